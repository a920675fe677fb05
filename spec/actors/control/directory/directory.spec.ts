/** The host directory: how often it reads the hosts, and how fresh a read an answer needs. */
import { expect } from "chai";
import { HostDirectory, type HostsRead } from "../../../../actors/control/directory/directory.ts";
import { directoryLimits } from "../../../../actors/control/directory/limits.ts";
import type { HostRecord } from "../../../../actors/records/host.ts";
import { actorLimits } from "../../../../actors/runtime/limits.ts";
import { leaseLimits } from "../../../../protocol/limits/lease.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { type ActorWorld, actorWorld } from "../../../support/actor-world.ts";
import { silentLog } from "../../../support/silent-log.ts";
import type { SimulatedClock } from "../../../support/simulated-clock.ts";
import { host } from "../scheduler/worlds.ts";

/** A store whose reads end when the test says so, each with the hosts of the moment at which it began. */
class SlowStore {
  known: readonly HostRecord[] = [];
  readonly readings: { end(): void; fail(): void }[] = [];
  readonly signsOfLife = { touch: async () => [] };

  readonly hosts = {
    all: (): Promise<readonly HostRecord[]> => {
      const { known } = this;
      return new Promise((resolve, reject) => {
        const fail = () => reject(new StatusError("storeUnavailable", "No database."));
        this.readings.push({ end: () => resolve(known), fail });
      });
    },
  };
}

describe("hosts: directory", () => {
  let world: ActorWorld;
  let clock: SimulatedClock;
  let store: SlowStore;
  let directory: HostDirectory;
  let told: HostsRead[];

  beforeEach(() => {
    world = actorWorld();
    clock = world.clock;
    store = new SlowStore();
    told = [];
    const onRound = (read: HostsRead) => void told.push(read);
    directory = new HostDirectory({ system: world.system, store, clock, log: silentLog, onRound });
  });
  afterEach(async () => {
    directory.close();
    await world.end();
  });

  it("reads once for all that ask while it reads, and begins after the last of them has asked", async () => {
    const first = directory.refresh();
    await clock.settle();
    store.known = [host("late")];
    const others = Promise.all(Array.from({ length: 1_000 }, () => directory.refresh()));
    await clock.settle();
    expect(store.readings).to.have.length(1);
    store.readings[0]?.end();
    await first;
    expect(directory.known("late")).to.equal(false);
    await clock.settle();
    expect(store.readings).to.have.length(2);
    store.readings[1]?.end();
    await others;
    expect(directory.known("late")).to.equal(true);
  });

  it("tells who asked that the reading failed, and reads for the next ones", async () => {
    const first = directory.refresh().catch((thrown: unknown) => thrown);
    await clock.settle();
    const second = directory.refresh();
    store.readings[0]?.fail();
    expect(await first).to.be.instanceOf(StatusError);
    await clock.settle();
    store.readings[1]?.end();
    await second;
  });

  it("goes on when a reading that nobody waits for has failed", async () => {
    directory.refreshSoon();
    await clock.settle();
    store.readings[0]?.fail();
    await clock.settle();
    const opened = directory.open();
    await clock.settle();
    store.readings[1]?.fail();
    await opened;
    await clock.advance(leaseLimits.heartbeatPeriodMs / 2);
    expect(store.readings).to.have.length(3);
  });

  it("gives up a read that never answers, tells who shares it, and reads anew", async () => {
    void directory.open();
    await clock.settle();
    const refused = directory.refresh().catch((thrown: unknown) => thrown);
    await clock.advance(directoryLimits.directoryRoundMsMax);
    expect(await refused).to.be.instanceOf(StatusError);
    expect(world.supervised.map(({ kind, actor }) => [kind, actor])).to.deep.equal([
      ["restarted", "directory"],
    ]);
    store.known = [host("new")];
    await clock.advance(2_000);
    expect(store.readings).to.have.length(2);
    store.readings[1]?.end();
    await clock.settle();
    expect([directory.known("new"), told.length]).to.deep.equal([true, 1]);
    store.readings[0]?.end();
    await clock.settle();
    expect([directory.known("new"), told.length], "the read that was given up ends").to.deep.equal([true, 1]);
  });

  it("begins no more than a few reads while none answers", async () => {
    void directory.open();
    await clock.advance(600_000);
    expect(store.readings.length).to.be.at.most(actorLimits.roundsHangingMax);
  });
});
