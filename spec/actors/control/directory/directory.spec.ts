/** The host directory: how often it reads the hosts, and how fresh a read an answer needs. */
import { expect } from "chai";
import { HostDirectory } from "../../../../actors/control/directory/directory.ts";
import type { HostRecord } from "../../../../actors/records/host.ts";
import { leaseLimits } from "../../../../protocol/limits/lease.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { silentLog } from "../../../support/silent-log.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";
import { host } from "../scheduler/worlds.ts";

/** A store whose reads end when the test says so, each with the hosts of the moment at which it began. */
class SlowStore {
  hosts: readonly HostRecord[] = [];
  readonly readings: { end(): void; fail(): void }[] = [];
  readonly touchHosts = async () => [];

  allHosts = (): Promise<readonly HostRecord[]> => {
    const { hosts } = this;
    return new Promise((resolve, reject) => {
      const fail = () => reject(new StatusError("storeUnavailable", "No database."));
      this.readings.push({ end: () => resolve(hosts), fail });
    });
  };
}

describe("hosts: directory", () => {
  let clock: SimulatedClock;
  let store: SlowStore;
  let directory: HostDirectory;

  beforeEach(() => {
    clock = new SimulatedClock();
    store = new SlowStore();
    directory = new HostDirectory({ store, clock, log: silentLog });
  });
  afterEach(() => directory.close());

  it("reads once for all that ask while it reads, and begins after the last of them has asked", async () => {
    const first = directory.refresh();
    await clock.settle();
    store.hosts = [host("late")];
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
});
