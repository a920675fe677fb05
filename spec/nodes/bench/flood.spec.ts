/** What the flood benchmark concludes from what it saw, by value. */
import { expect } from "chai";
import type { StoredLease } from "../../../db/bench/probe.ts";
import { floodKindsOf } from "../../../nodes/bench/flood.ts";
import { Renewals, type Seen } from "../../../nodes/bench/flood-observer.ts";
import { type FloodRun, floodTable, leftOver, passedBounds } from "../../../nodes/bench/flood-verdict.ts";

const lease = (renewals: number, change: Partial<StoredLease> = {}): StoredLease => {
  return { hostId: "h1", leaseEpoch: 1, renewals, fenced: false, ...change };
};

describe("the renewals that a flood is judged by", () => {
  it("are apart by their period, and late by what is more", () => {
    const renewals = new Renewals();
    for (const [atMs, count] of [[0, 5] as const, [100, 5] as const, [2_000, 6] as const])
      renewals.see([lease(count)], atMs);
    expect(renewals.seen(3_900)).to.deep.equal({ renewalLateMs: 0, lookMs: 1_900, fenced: 0 });
    renewals.see([lease(7)], 5_500);
    expect(renewals.seen(5_600).renewalLateMs).to.equal(1_500);
  });

  it("are late also when none comes any more, and under a new lease epoch they begin anew", () => {
    const renewals = new Renewals();
    renewals.see([lease(5)], 0);
    expect(renewals.seen(9_000).renewalLateMs).to.equal(7_000);
    const granted = new Renewals();
    granted.see([lease(5)], 0);
    granted.see([lease(5, { fenced: true })], 1_000);
    granted.see([lease(1, { leaseEpoch: 2 })], 20_000);
    expect(granted.seen(20_500)).to.include({ renewalLateMs: 0, fenced: 1 });
  });
});

const seen: Seen = {
  ...{ renewalLateMs: 100, lookMs: 120, fenced: 0, guestsStopped: [], guardStops: 0 },
  ...{ peakMib: { controller: 200 }, slowConsumers: 0 },
};
const latencyMs = { count: 10, min: 1, p50: 4, p90: 7, p95: 8, p99: 9, max: 10 };
const control: FloodRun = { name: "quiet", others: { asked: 10, latencyMs, failed: {} }, seen };

describe("the verdict of a flood", () => {
  it("is clean when every bound is kept", () => {
    const run: FloodRun = { ...control, name: "polls", control: "quiet" };
    expect(passedBounds(run, [control, run])).to.deep.equal([]);
    expect(passedBounds(control, [control])).to.deep.equal([]);
  });

  it("names each bound that was not kept", () => {
    const bad: FloodRun = {
      ...{ name: "small", control: "quiet" },
      others: { asked: 10, latencyMs: { ...latencyMs, p50: 20.1 }, failed: { timeout: 2 } },
      seen: {
        ...{ renewalLateMs: 1_001, lookMs: 100, fenced: 1, guestsStopped: ["a"], guardStops: 3 },
        ...{ peakMib: { controller: 513, compute: 80 }, slowConsumers: 4 },
      },
    };
    expect(passedBounds(bad, [control, bad])).to.deep.equal([
      "a lease was late by 1001 ms",
      "guests were stopped 3 times",
      "hosts were fenced 1 times",
      "the others' median is 20.1 ms, and 20 ms are due",
      "2 of 10 questions of others had no good answer",
      "controller held 513 MiB",
    ]);
    expect(floodTable([control, bad]).split("\n")).to.have.length(3);
  });

  it("finds memory that is left", () => {
    expect(leftOver({ controller: 100 }, { controller: 150, compute: 51 })).to.deep.equal([
      "compute holds 51 MiB more than at its start",
    ]);
  });

  it("knows the attacks by their names", () => {
    expect(floodKindsOf(["small", "creates"])).to.deep.equal(["small", "creates"]);
    expect(() => floodKindsOf(["smal"])).to.throw("There is no attack smal. There are: small, questions");
  });
});
