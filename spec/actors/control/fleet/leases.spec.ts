/** Renewals of host leases: how many are written at once, and that no renewal waits without need. */
import { expect } from "chai";
import { Leases } from "../../../../actors/control/fleet/leases.ts";
import { fleetLimits } from "../../../../actors/control/fleet/limits.ts";
import type { LeaseKey } from "../../../../actors/ports/store.ts";
import { CountingMeter } from "../../../../actors/runtime/counting-meter.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { silentLog } from "../../../support/silent-log.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";

describe("hosts: leases", () => {
  const lease = { leaseEpoch: 1, cleaned: false, storageId: null };
  let clock: SimulatedClock;
  let writes: (readonly string[])[];
  let failing: boolean;
  let leases: Leases;
  let meter: CountingMeter;

  beforeEach(() => {
    clock = new SimulatedClock();
    writes = [];
    failing = false;
    meter = new CountingMeter(silentLog);
    const renewLeases = async (keys: readonly LeaseKey[]) => {
      if (failing) throw new StatusError("storeUnavailable", "No database.");
      writes.push(keys.map(({ hostId }) => hostId));
      return keys.map(({ hostId }) => hostId);
    };
    leases = new Leases({
      store: { renewLeases, getHost: async () => undefined },
      commit: async () => ({ kind: "conflict" }),
      clock,
      hostsChanged: () => undefined,
      meter,
    });
  });

  it("counts the renewals that the database has taken, and none that it has not", async () => {
    const renewed = Promise.all(["a", "b", "c"].map((id) => leases.renew(id, lease)));
    await renewed;
    failing = true;
    const refused = leases.renew("d", lease).catch((thrown: unknown) => thrown);
    await clock.advance(fleetLimits.renewalPeriodMs);
    expect(await refused).to.be.instanceOf(StatusError);
    expect(meter.valueOf("novact_lease_renewals_total", {})).to.equal(3);
  });

  it("writes the first renewal at once, and those that come shortly after it together", async () => {
    expect(await leases.renew("a", lease)).to.deep.equal({ leaseEpoch: 1, held: true });
    const others = Promise.all(["b", "c", "d"].map((id) => leases.renew(id, lease)));
    await clock.advance(fleetLimits.renewalPeriodMs / 2);
    const later = leases.renew("e", lease);
    await clock.advance(fleetLimits.renewalPeriodMs / 2);
    expect((await others).every(({ held }) => held)).to.equal(true);
    await later;
    expect(writes).to.deep.equal([["a"], ["b", "c", "d", "e"]]);
    await clock.advance(fleetLimits.renewalPeriodMs);
    await leases.renew("a", lease);
    expect(writes).to.have.length(3);
    await clock.advance(fleetLimits.renewalPeriodMs);
    expect(clock.pending).to.equal(0);
  });

  it("goes on after a write that failed", async () => {
    failing = true;
    const refused = await leases.renew("a", lease).catch((thrown: unknown) => thrown);
    expect(refused).to.be.instanceOf(StatusError);
    failing = false;
    const again = leases.renew("a", lease);
    await clock.advance(fleetLimits.renewalPeriodMs);
    expect((await again).held).to.equal(true);
  });
});
