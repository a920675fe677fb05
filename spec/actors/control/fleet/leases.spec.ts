/** Renewals of host leases: how many are written at once, and that no renewal waits without need. */
import { expect } from "chai";
import { Leases } from "../../../../actors/control/fleet/leases.ts";
import { fleetLimits } from "../../../../actors/control/fleet/limits.ts";
import type { LeaseKey } from "../../../../actors/ports/signs-of-life.ts";
import { CountingMeter } from "../../../../actors/runtime/counting-meter.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { type ActorWorld, actorWorld } from "../../../support/actor-world.ts";
import { silentLog } from "../../../support/silent-log.ts";
import type { SimulatedClock } from "../../../support/simulated-clock.ts";

describe("hosts: leases", () => {
  const lease = { leaseEpoch: 1, cleaned: false, storageId: null };
  let world: ActorWorld;
  let clock: SimulatedClock;
  let hanging: boolean;
  let writes: (readonly string[])[];
  let failing: boolean;
  let leases: Leases;
  let meter: CountingMeter;

  beforeEach(() => {
    world = actorWorld();
    clock = world.clock;
    writes = [];
    [failing, hanging] = [false, false];
    meter = new CountingMeter(silentLog);
    const renew = async (keys: readonly LeaseKey[]) => {
      if (hanging) return new Promise<never>(() => undefined);
      if (failing) throw new StatusError("storeUnavailable", "No database.");
      writes.push(keys.map(({ hostId }) => hostId));
      return keys.map(({ hostId }) => hostId);
    };
    leases = new Leases({
      system: world.system,
      store: { signsOfLife: { renew }, hosts: { get: async () => undefined } },
      commit: async () => ({ kind: "conflict" }),
      clock,
      hostsChanged: () => undefined,
      meter,
    });
  });

  afterEach(() => world.end());
  const renew = async (id: string) => {
    const answer = leases.renew(id, lease).catch((thrown: unknown) => thrown);
    await clock.settle();
    return answer;
  };

  it("counts the renewals that the database has taken, and none that it has not", async () => {
    const renewed = Promise.all(["a", "b", "c"].map((id) => leases.renew(id, lease)));
    await clock.settle();
    await renewed;
    failing = true;
    const refused = leases.renew("d", lease).catch((thrown: unknown) => thrown);
    await clock.advance(fleetLimits.renewalPeriodMs);
    expect(await refused).to.be.instanceOf(StatusError);
    expect(meter.valueOf("novact_lease_renewals_total", {})).to.equal(3);
  });

  it("writes the first renewal at once, and those that come shortly after it together", async () => {
    expect(await renew("a")).to.deep.equal({ leaseEpoch: 1, held: true });
    const others = Promise.all(["b", "c", "d"].map((id) => leases.renew(id, lease)));
    await clock.advance(fleetLimits.renewalPeriodMs / 2);
    const later = leases.renew("e", lease);
    await clock.advance(fleetLimits.renewalPeriodMs / 2);
    expect((await others).every(({ held }) => held)).to.equal(true);
    await later;
    expect(writes).to.deep.equal([["a"], ["b", "c", "d", "e"]]);
    await clock.advance(fleetLimits.renewalPeriodMs);
    await renew("a");
    expect(writes).to.have.length(3);
  });

  it("goes on after a write that failed", async () => {
    failing = true;
    expect(await renew("a")).to.be.instanceOf(StatusError);
    failing = false;
    const again = leases.renew("a", lease);
    await clock.advance(fleetLimits.renewalPeriodMs);
    expect((await again).held).to.equal(true);
  });

  it("goes on after a write that never answers, and tells its hosts to ask again", async () => {
    hanging = true;
    const refused = leases.renew("a", lease).catch((thrown: unknown) => thrown);
    await clock.advance(fleetLimits.renewalRoundMsMax);
    expect(await refused).to.be.instanceOf(StatusError);
    hanging = false;
    const again = leases.renew("b", lease);
    await clock.advance(1_000);
    expect((await again).held).to.equal(true);
    expect(world.supervised.map(({ kind, actor }) => [kind, actor])).to.deep.equal([
      ["restarted", "renewals"],
    ]);
  });

  it("writes what was asked for while its loop rested after a crash", async () => {
    hanging = true;
    const refused = leases.renew("a", lease).catch((thrown: unknown) => thrown);
    await clock.advance(fleetLimits.renewalRoundMsMax);
    await refused;
    hanging = false;
    const again = [leases.renew("b", lease), leases.renew("c", lease)];
    await clock.advance(1_000);
    expect((await Promise.all(again)).map(({ held }) => held)).to.deep.equal([true, true]);
  });
});
