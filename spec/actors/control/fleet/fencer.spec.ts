/** Events of the brake: one for all controllers together, each time the brake goes on or off. */
import { expect } from "chai";
import { Fencer } from "../../../../actors/control/fleet/fencer.ts";
import type { Commit } from "../../../../actors/records/commit.ts";
import type { HostRecord } from "../../../../actors/records/host.ts";
import { CountingMeter } from "../../../../actors/runtime/counting-meter.ts";
import { leaseLimits } from "../../../../protocol/limits/lease.ts";
import { silentLog } from "../../../support/driver-world.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";

describe("the fencer", () => {
  it("tells of each time that recovery is stopped, once for all controllers", async () => {
    const clock = new SimulatedClock();
    const told = new Map<string, string>();
    const commit = async ({ request, events = [] }: Commit) => {
      for (const { event } of events) if (request !== undefined) told.set(request.requestId, event);
      return { kind: "committed" } as const;
    };
    const make = (name: string) =>
      new Fencer({
        ...{ commit: commit as never, clock, log: silentLog, name },
        examineStorage: async () => "absent" as const,
        onFenced: () => undefined,
      });
    const fencers = [make("one"), make("other")];
    let renewals = 0;
    const host = (id: string): HostRecord =>
      ({ id, name: id, lease: { leaseEpoch: 1, renewals, storage: null, fencedBy: null } }) as HostRecord;
    const round = () => Promise.all(fencers.map((one) => one.round([host("a"), host("b")], 0)));
    for (let time = 0; time < 2; time += 1) {
      renewals += 1;
      await round();
      await clock.advance(leaseLimits.leaseTtlMs + leaseLimits.fenceMarginMs);
      await round();
      expect(fencers.map(({ picture }) => picture.brake.on)).to.deep.equal([true, true]);
      renewals += 1;
      await round();
      expect(fencers.map(({ picture }) => picture.brake.on)).to.deep.equal([false, false]);
    }
    expect([...told.values()]).to.deep.equal([
      ...["recoveryStopped", "recoveryResumed", "recoveryStopped", "recoveryResumed"],
    ]);
  });

  it("shows the age of the oldest renewal, the brake, and how many renewals were late", async () => {
    const clock = new SimulatedClock();
    const meter = new CountingMeter(silentLog);
    const fencer = new Fencer({
      ...{ commit: (async () => ({ kind: "committed", lastSequence: 0 })) as never, clock, log: silentLog },
      ...{ name: "one", meter, examineStorage: async () => "absent" as const, onFenced: () => undefined },
    });
    const host = (id: string, renewals: number): HostRecord =>
      ({ id, name: id, lease: { leaseEpoch: 1, renewals, storage: null, fencedBy: null } }) as HostRecord;
    const oldestS = () => meter.read("novact_lease_oldest_seconds").map(({ value }) => value);
    const braked = () => meter.valueOf("novact_recovery_braked", {});
    expect(oldestS(), "no host holds a lease").to.deep.equal([]);
    await fencer.round([host("a", 1), host("b", 1)], 0);
    await clock.advance(5_000);
    await fencer.round([host("a", 1), host("b", 2)], 0);
    await clock.advance(1_000);
    expect(oldestS()).to.deep.equal([6]);
    expect(meter.valueOf("novact_lease_renewals_late_total", {})).to.equal(1);
    expect(braked()).to.equal(0);
    await clock.advance(leaseLimits.leaseTtlMs + leaseLimits.fenceMarginMs);
    await fencer.round([host("a", 1), host("b", 2)], 0);
    expect(braked()).to.equal(1);
  });
});
