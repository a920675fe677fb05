/** When a host lease has ended for good, and when so many have that the fault is rather novact's own. */
import { expect } from "chai";
import { areManyMissed, brakeOf } from "../../../../actors/control/fleet/brake.ts";
import { lateRenewals, look, type Watch } from "../../../../actors/control/fleet/lease-expiry.ts";
import type { HostRecord } from "../../../../actors/records/host.ts";
import { leaseLimits } from "../../../../protocol/limits/lease.ts";

const host = (index: number, renewals: number): HostRecord => {
  const lease = { leaseEpoch: 1, renewals, storage: { id: "s1", renewals: 2 }, fencedBy: null };
  return { id: `host-${index}`, name: `node-${index}`, lease } as HostRecord;
};

/**
 * Nine hosts that renew every heartbeat, each at its own time; the first `lost` of them lose their power at
 * once. Answers how many were to be fenced, or had their storage lease asked for, before the brake was on.
 */
function fencedBeforeTheBrake(lost: number) {
  const lostAtMs = 20_000;
  let watch: Watch = new Map();
  let fenced = 0;
  let taken = 0;
  for (let nowMs = 0; nowMs < 60_000; nowMs += leaseLimits.heartbeatPeriodMs / 2) {
    const hosts = Array.from({ length: 9 }, (_, index) => {
      const untilMs = index < lost ? Math.min(nowMs, lostAtMs) : nowMs;
      const aheadMs = ((index % 3) * leaseLimits.heartbeatPeriodMs) / 3;
      return host(index, Math.floor((untilMs + aheadMs) / leaseLimits.heartbeatPeriodMs));
    });
    const seen = look(watch, hosts, { nowMs, listeningSinceMs: 0 });
    watch = seen.next;
    if (brakeOf(hosts, seen, 0).on) return { fenced, taken, braked: true };
    fenced += seen.expired.length;
    if (!areManyMissed(hosts, seen, 0)) taken += seen.takeable.length;
  }
  return { fenced, taken, braked: false };
}

describe("the brake on recovery", () => {
  it("is on before the first of a third is fenced, though they did not renew at the same time", () => {
    expect(fencedBeforeTheBrake(3)).to.deep.equal({ fenced: 0, taken: 0, braked: true });
  });

  it("is never on for fewer", () => {
    expect(fencedBeforeTheBrake(2).braked).to.equal(false);
    expect(fencedBeforeTheBrake(2).fenced).to.be.greaterThan(0);
    expect(fencedBeforeTheBrake(2).taken).to.be.greaterThan(0);
  });

  it("is off while nobody's lease is over: those that are late may be on their way back", () => {
    const hosts = Array.from({ length: 3 }, (_, index) => host(index, 1));
    const before = look(new Map(), hosts, { nowMs: 0, listeningSinceMs: 0 });
    const seen = look(before.next, hosts, { nowMs: leaseLimits.leaseTtlMs, listeningSinceMs: 0 });
    expect(seen.expired).to.deep.equal([]);
    expect(brakeOf(hosts, seen, 0).on).to.equal(false);
  });
});

describe("late renewals", () => {
  const periodMs = leaseLimits.heartbeatPeriodMs;
  const at = (before: Watch, renewals: number, nowMs: number, listeningSinceMs = 0) =>
    look(before, [host(1, renewals)], { nowMs, listeningSinceMs }).next;

  it("are those that are seen later than two heartbeats after the one before", () => {
    const first = at(new Map(), 1, 0);
    expect(lateRenewals(first, at(first, 2, 2 * periodMs))).to.equal(0);
    expect(lateRenewals(first, at(first, 2, 2 * periodMs + 1))).to.equal(1);
  });

  it("are not those that have not come yet, nor a new lease, nor the first look at a host", () => {
    const first = at(new Map(), 1, 0);
    const still = at(first, 1, 5 * periodMs);
    expect(lateRenewals(first, still)).to.equal(0);
    expect(lateRenewals(new Map(), first)).to.equal(0);
    const lease = { leaseEpoch: 2, renewals: 7, storage: null, fencedBy: null };
    const anew = look(first, [{ ...host(1, 7), lease }], { nowMs: 9 * periodMs, listeningSinceMs: 0 }).next;
    expect(lateRenewals(first, anew)).to.equal(0);
    expect(lateRenewals(still, at(still, 2, 6 * periodMs))).to.equal(1);
  });

  it("are not those that came while no host could be heard", () => {
    const first = at(new Map(), 1, 0);
    const cutOff = at(first, 1, 5 * periodMs, 5 * periodMs);
    expect(lateRenewals(cutOff, at(cutOff, 2, 6 * periodMs, 5 * periodMs))).to.equal(0);
  });
});
