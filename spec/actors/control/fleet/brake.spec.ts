/**
 * The brake, by the times at which hosts are lost: with the real watch and the real rule, and fences as these
 * decide.
 */
import { expect } from "chai";
import { brakeOf } from "../../../../actors/control/fleet/brake.ts";
import { look, type Watch } from "../../../../actors/control/fleet/lease-expiry.ts";
import type { HostRecord } from "../../../../actors/records/host.ts";
import type { FenceProof } from "../../../../protocol/fence.ts";
import { leaseLimits } from "../../../../protocol/limits/lease.ts";

const roundMs = 1_000;

interface Cell {
  readonly hosts: number;
  /** Seconds at which the first, second, … host loses its power. */
  readonly lost: readonly number[];
  /** Hosts that were fenced long ago, and never removed. */
  readonly longDead?: number;
}

/** Seconds at which hosts are fenced, and the first at which the brake is on. */
function storyOf({ hosts: count, lost, longDead = 0 }: Cell) {
  const fencedBy = new Map<string, FenceProof>();
  const fenced: number[] = [];
  let watch: Watch = new Map();
  let brakedAt: number | undefined;
  const old = { leaseEpoch: 1, silentMs: 12_000, guardMs: 2_000, observedBy: "c", atMs: -3_600_000 };
  for (let nowMs = 0; nowMs <= 420_000; nowMs += roundMs) {
    const hosts = Array.from({ length: count + longDead }, (_, index) => {
      const id = `h${index}`;
      const lostMs = (lost[index] ?? Number.POSITIVE_INFINITY) * 1_000;
      const renewals = Math.floor(Math.min(nowMs, lostMs) / leaseLimits.heartbeatPeriodMs);
      const proof = index >= count ? { kind: "lease" as const, ...old } : (fencedBy.get(id) ?? null);
      return {
        id,
        name: id,
        lease: { leaseEpoch: 1, renewals, storage: null, fencedBy: proof },
      } as HostRecord;
    });
    const seen = look(watch, hosts, { nowMs, listeningSinceMs: 0 });
    watch = seen.next;
    if (brakeOf(hosts, seen, nowMs).on) {
      brakedAt ??= nowMs / 1_000;
      continue;
    }
    for (const { host, silentMs } of seen.expired) {
      fencedBy.set(host.id, { kind: "lease", ...old, silentMs, atMs: nowMs });
      fenced.push(nowMs / 1_000);
    }
  }
  return { fenced, braked: brakedAt !== undefined };
}

const stories: readonly (readonly [string, Cell, { readonly fenced: number; readonly braked: boolean }])[] = [
  ["one of two", { hosts: 2, lost: [20] }, { fenced: 1, braked: false }],
  ["both of two at once", { hosts: 2, lost: [20, 20] }, { fenced: 0, braked: true }],
  ["the only one", { hosts: 1, lost: [20] }, { fenced: 0, braked: true }],
  ["two of three at once", { hosts: 3, lost: [20, 20] }, { fenced: 0, braked: true }],
  ["two of three within seconds", { hosts: 3, lost: [20, 25] }, { fenced: 0, braked: true }],
  [
    "one of three, and another one a minute later",
    { hosts: 3, lost: [20, 80] },
    { fenced: 2, braked: false },
  ],
  ["one of six, and another two minutes later", { hosts: 6, lost: [20, 140] }, { fenced: 2, braked: false }],
  ["three of nine at once", { hosts: 9, lost: [20, 20, 21] }, { fenced: 0, braked: true }],
  ["two of nine at once", { hosts: 9, lost: [20, 20] }, { fenced: 2, braked: false }],
  [
    "two of nine at once, of a cell with many that died long ago",
    { hosts: 9, lost: [20, 20], longDead: 30 },
    { fenced: 2, braked: false },
  ],
  [
    "nine of ten at once, of a cell with many that died long ago",
    { hosts: 10, lost: [20, 20, 20, 20, 20, 20, 20, 20, 20], longDead: 30 },
    { fenced: 0, braked: true },
  ],
];

describe("the brake, as hosts are lost", () => {
  for (const [name, cell, { fenced, braked }] of stories) {
    it(`is ${braked ? "on" : "off"} for ${name}`, () => {
      const story = storyOf(cell);
      expect(story.braked).to.equal(braked);
      expect(story.fenced).to.have.length(fenced);
    });
  }

  it("is on for the third in a row within minutes, of nine, until the first is long ago", () => {
    const { fenced, braked } = storyOf({ hosts: 9, lost: [20, 80, 140] });
    expect(braked).to.equal(true);
    expect(fenced).to.have.length(3);
    expect(fenced[2]).to.be.greaterThan(140 + leaseLimits.leaseTtlMs / 1_000 + 60);
  });
});
