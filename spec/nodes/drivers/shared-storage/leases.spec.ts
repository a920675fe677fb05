/** Storage leases: the contract on real files and processes, and on the fake storage. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readlinkSync } from "node:fs";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { FakeStorage } from "../../../../nodes/drivers/fake/storage.ts";
import { FakeStorageLeases } from "../../../../nodes/drivers/fake/storage-leases.ts";
import { FakeWorld } from "../../../../nodes/drivers/fake/world.ts";
import { FileStorageLeases } from "../../../../nodes/drivers/shared-storage/leases.ts";
import { systemClock } from "../../../../nodes/process/clock.ts";
import { machineSpec, temporaryDirectory } from "../../../support/driver-world.ts";
import { storageLeasesContract } from "../../../support/storage-leases-contract.ts";

const never = new AbortController().signal;

storageLeasesContract("a directory", async () => {
  const place = await temporaryDirectory();
  const guests = new Set<ChildProcess>();
  const everyGuestHolds = async (path: string) =>
    [...guests].every(({ pid }) => {
      const link = `/proc/${pid}/fd/3`;
      return existsSync(link) && readlinkSync(link) === path;
    });
  const life = () => new FileStorageLeases({ directory: place.path, everyGuestHolds });
  const lives = [life()];
  const other = life();
  const end = async (guest: ChildProcess) => {
    const ended = once(guest, "exit");
    guest.kill("SIGKILL");
    await ended;
    guests.delete(guest);
  };
  return {
    own: lives[0] ?? life(),
    other,
    nextLife: () => {
      const next = life();
      lives.push(next);
      return next;
    },
    startGuest: async () => {
      const file = await lives.at(-1)?.openForGuest();
      const guest = spawn("sleep", ["60"], { stdio: ["ignore", "ignore", "ignore", file?.fd ?? "ignore"] });
      guests.add(guest);
      await once(guest, "spawn");
      await file?.close();
      return () => end(guest);
    },
    close: async () => {
      for (const guest of guests) await end(guest);
      for (const one of [...lives, other]) await one.close();
      await place.remove();
    },
  };
});

storageLeasesContract("the fake storage", async () => {
  const storage = new FakeStorage("s1");
  const world = new FakeWorld({ clock: systemClock, storage });
  const life = () => new FakeStorageLeases(world, storage);
  return {
    own: life(),
    other: new FakeStorageLeases(new FakeWorld({ clock: systemClock, storage }), storage),
    nextLife: life,
    startGuest: async () => {
      const { instanceId } = await world.boot(machineSpec({ fence: true }), never);
      return async () => world.kill(instanceId);
    },
    close: async () => undefined,
  };
});

describe("leases on a directory", () => {
  const place = temporaryDirectory();
  after(async () => (await place).remove());
  const make = async () =>
    new FileStorageLeases({ directory: (await place).path, everyGuestHolds: async () => true });
  const names = async () => (await readdir(join((await place).path, "leases"))).sort();

  it("are one file for each host, and no other name is a host's", async () => {
    const leases = await make();
    await leases.hold({ hostId: "h1", leaseEpoch: 1 });
    await leases.hold({ hostId: "h1", leaseEpoch: 12 });
    const other = await make();
    await other.hold({ hostId: "h1x", leaseEpoch: 2 });
    expect(await names()).to.deep.equal(["h1.e12", "h1.e12.agent", "h1x.e2", "h1x.e2.agent"]);
    for (const hostId of ["../h1", "", "a/b"])
      expect(() => leases.hold({ hostId, leaseEpoch: 1 })).to.throw(/no token/);
    await Promise.all([leases.close(), other.close()]);
  });

  it("that were removed under their holder are made anew, and cover nobody who holds the old one", async () => {
    let all = true;
    const { path: directory } = await place;
    const leases = new FileStorageLeases({ directory, everyGuestHolds: async () => all });
    const lease = { hostId: "h9", leaseEpoch: 1 };
    expect(await leases.hold(lease)).to.equal("held");
    await rm(join(directory, "leases", "h9.e1"));
    all = false;
    expect(await leases.hold(lease)).to.equal("uncovered");
    const file = await leases.openForGuest();
    expect(file).to.not.equal(undefined);
    all = true;
    expect(await leases.hold(lease)).to.equal("held");
    expect(await (await make()).examine(lease, true)).to.equal("held");
    await Promise.all([file?.close(), leases.close()]);
  });

  it("leave no file open that nobody holds", async () => {
    const open = async () => (await readdir("/proc/self/fd")).length;
    const leases = await make();
    await leases.hold({ hostId: "h7", leaseEpoch: 1 });
    const before = await open();
    const other = await make();
    for (let round = 0; round < 5; round += 1) {
      await other.examine({ hostId: "h7", leaseEpoch: 1 }, true);
      await other.examine({ hostId: "h7", leaseEpoch: 1 }, false);
      await (await leases.openForGuest())?.close();
      await leases.hold({ hostId: "h7", leaseEpoch: 1 });
    }
    expect(await open()).to.equal(before);
    await leases.close();
  });

  it("are only those that have the name: what was removed under its holder is no lease", async () => {
    const leases = await make();
    await leases.hold({ hostId: "h3", leaseEpoch: 1 });
    await writeFile(join((await place).path, "leases", "h4.e1"), "");
    expect(await leases.examine({ hostId: "h4", leaseEpoch: 1 }, true)).to.equal("taken");
    expect(await leases.examine({ hostId: "h5", leaseEpoch: 1 }, true)).to.equal("absent");
    await leases.close();
  });
});
