/**
 * Which processes the guard takes for its guests, and what keeps it from seeing them: with processes that do
 * what broken-out code and other users of the computer can do. Needs root and perl; those that hang also
 * /dev/fuse.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { idOfGroup } from "../../../nodes/drivers/cgroup/control.ts";
import { groupName, hostOfGroups } from "../../../nodes/drivers/cgroup/group-name.ts";
import { GuardGroups } from "../../../nodes/drivers/cgroup/guard-groups.ts";
import { GuestGroups } from "../../../nodes/drivers/cgroup/guest-groups.ts";
import { guestOfMember } from "../../../nodes/drivers/cgroup/membership.ts";
import { makeStateDirectories, type StateDirectories } from "../../../nodes/drivers/guest-directory.ts";
import { guestUser } from "../../../nodes/drivers/guest-user.ts";
import { ArgumentReader } from "../../../nodes/drivers/process-arguments.ts";
import { livingStat } from "../../../nodes/drivers/process-owners.ts";
import { readBootId } from "../../../nodes/drivers/process-table.ts";
import { openGuard } from "../../../nodes/drivers/qemu/guard-client.ts";
import { GuardScan } from "../../../nodes/drivers/qemu/guard-scan.ts";
import { mayBeGuest } from "../../../nodes/drivers/qemu/guest-owner.ts";
import { findGuests, record } from "../../../nodes/drivers/qemu/guest-process.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { until } from "../../support/asking.ts";
import { temporaryDirectory } from "../../support/driver-world.ts";
import { HangingStorage, missingForHangingStorage } from "../../support/hanging-storage.ts";
import { type Impostor, Impostors, missingForEscape, missingForImpostors } from "../../support/impostors.ts";
import { skip } from "../../support/services.ts";

const instanceId = "8f6c2f9e-3a59-4c5e-9a63-0d9f3f2c7a11";
const otherId = "0f6c2f9e-3a59-4c5e-9a63-0d9f3f2c7a12";

describe("the guests that a guard sees", function () {
  this.timeout(60_000);
  let impostors: Impostors;
  let place: Awaited<ReturnType<typeof temporaryDirectory>>;
  let directories: StateDirectories;
  beforeEach(async function () {
    const missing = missingForImpostors();
    if (missing !== undefined) skip(this, missing);
    place = await temporaryDirectory();
    directories = makeStateDirectories(join(place.path, "node"));
    for (const id of [instanceId, otherId]) mkdirSync(join(directories.guests, id), { mode: 0o711 });
    impostors = new Impostors();
  });
  afterEach(async () => {
    await impostors?.close();
    await place?.remove();
  });

  /** A process with the user and everything else of the guest. */
  const start = (given: Partial<Impostor> = {}, id = instanceId) => {
    const { uid = 0 } = guestUser(id) ?? {};
    const directory = join(directories.guests, id);
    return impostors.start({ instanceId: id, directory, ownerEpoch: 7, uid, ...given });
  };
  const pidsOf = (found: readonly { readonly pid: number }[]) =>
    found.map(({ pid }) => pid).sort((one, other) => one - other);

  it("are seen whatever name they give themselves", async () => {
    const pid = await start({ renames: "name" });
    expect(pidsOf(await new GuardScan(directories.guests).find())).to.deep.equal([pid]);
    expect(pidsOf(await findGuests(directories))).to.deep.equal([pid]);
  });

  it("are seen though their files in /proc are root's, as of those that do not want to be dumped", async () => {
    const pid = await start({ undumpable: true });
    expect(pidsOf(await new GuardScan(directories.guests).find())).to.deep.equal([pid]);
  });

  it("are the only ones that are asked who they are", async () => {
    const pid = await start();
    const others = [await start({ uid: 65_534 }), await start({ uid: 65_534, program: "setpriv" })];
    const asked: number[] = [];
    const reader = new ArgumentReader({ atOnce: 2, patienceMs: 1_000 });
    const read = (one: Parameters<typeof reader.read>[0]) => {
      asked.push(one.pid);
      return reader.read(one);
    };
    await new GuardScan(directories.guests, [], { reader: { read } }).find();
    const asOf = (uid: number) => ({ name: "qemu-system-x86", uids: Array(4).fill(uid) });
    expect(others.map((one) => asked.includes(one))).to.deep.equal([false, false]);
    expect(asked).to.include(pid);
    expect(mayBeGuest(asOf(65_534))).to.equal(false);
    expect(mayBeGuest({ ...asOf(0), uids: [65_534, 0, 0, 0] })).to.equal(false);
    expect(mayBeGuest({ ...asOf(0), name: "node" })).to.equal(false);
  });

  it("are known to the agent by the record of their start when they have no arguments any more", async () => {
    const pid = await start({ renames: "arguments" });
    const directory = join(directories.guests, instanceId);
    const startTicks = livingStat(pid)?.startTicks ?? 0;
    const tag = { instanceId, ownerEpoch: 7, fence: true };
    expect(await findGuests(directories)).to.deep.equal([]);
    record({ pid, startTicks: startTicks + 1, tag, directory, startedAtMs: 1 }, await readBootId());
    expect(await findGuests(directories)).to.deep.equal([]);
    record({ pid, startTicks, tag, directory, startedAtMs: 1 }, await readBootId());
    expect((await findGuests(directories)).map((found) => found.tag)).to.deep.equal([tag]);
  });

  it("are known to the agent by their cgroup when nothing else tells, and then are not swept away", async function () {
    const host = hostOfGroups("h", directories.root);
    const groups = new GuestGroups({ host, clock: systemClock });
    if (groups.bounding.memory === "none") skip(this, groups.bounding.why);
    const tag = { instanceId, ownerEpoch: 7, fence: true };
    try {
      const pid = await start({ renames: "arguments" });
      expect(await findGuests(directories)).to.deep.equal([]);
      const joined = await groups.make(tag, { vcpus: 1, memoryMib: 64 });
      for (const directory of joined) writeFileSync(join(directory, "cgroup.procs"), String(pid));
      const found = await findGuests(directories);
      expect(found.map((one) => [one.pid, one.tag])).to.deep.equal([[pid, tag]]);
      await groups.sweep(new Set(found.map((one) => one.tag.instanceId)));
      expect(livingStat(pid)).to.not.equal(undefined);
      // Another state directory's host is another host.
      const other = makeStateDirectories(join(place.path, "other"));
      expect(guestOfMember(pid, directories.root)).to.deep.equal(tag);
      expect(guestOfMember(pid, other.root)).to.equal(undefined);
    } finally {
      await groups.remove(instanceId);
    }
  });

  it("have every process of their user and network with them, and nobody else's", async () => {
    const pid = await start({ network: "new" });
    const companion = await start({ network: pid, renames: "arguments" });
    const nobody = await start({ network: pid, renames: "arguments", uid: 65_534 });
    const elsewhere = await start({ network: "new", renames: "arguments" });
    const scan = new GuardScan(directories.guests);
    const found = await scan.find();
    expect(pidsOf(found), `without ${nobody} and ${elsewhere}`).to.deep.equal([
      ...[pid, companion].sort((one, other) => one - other),
    ]);
    expect(found.map(({ ownerEpoch }) => ownerEpoch)).to.deep.equal([7, 7]);
    process.kill(pid, "SIGKILL");
    while (livingStat(pid) !== undefined) await new Promise(setImmediate);
    expect(pidsOf(await scan.find()), "it outlives the guest").to.deep.equal([companion]);
  });

  it("have those of their user with them that left their network", async function () {
    const missing = missingForEscape();
    if (missing !== undefined) skip(this, missing);
    const pid = await start({ network: "new" });
    const escaped = await start({ network: "escaped", renames: "arguments" });
    const scan = new GuardScan(directories.guests);
    expect(pidsOf(await scan.find())).to.deep.equal([pid, escaped].sort((one, other) => one - other));
    process.kill(pid, "SIGKILL");
    while (livingStat(pid) !== undefined) await new Promise(setImmediate);
    expect(pidsOf(await scan.find()), "it outlives the guest").to.deep.equal([escaped]);
  });

  it("are no company of each other by the user alone, which their next owner has as well", async () => {
    const pid = await start();
    await start({ renames: "arguments" });
    expect(pidsOf(await new GuardScan(directories.guests).find())).to.deep.equal([pid]);
  });

  it("are seen later when they were looked at while their program began", async () => {
    const pid = await start();
    let answers = 0;
    const reader = new ArgumentReader({ atOnce: 2, patienceMs: 1_000 });
    const early = {
      read: async (one: Parameters<typeof reader.read>[0]) => {
        if (one.pid !== pid) return [];
        answers += 1;
        return answers === 1 ? [] : reader.read(one);
      },
    };
    const scan = new GuardScan(directories.guests, [], { reader: early, youngMs: 0 });
    expect(await scan.find()).to.deep.equal([]);
    expect(pidsOf(await scan.find())).to.deep.equal([pid]);
    await scan.find();
    expect(answers, "it is asked no more").to.equal(2);
  });

  it("are seen later when they looked like something else while they were young", async () => {
    const pid = await start();
    const reader = new ArgumentReader({ atOnce: 2, patienceMs: 1_000 });
    let asked = 0;
    // Other guests of the computer are asked as well.
    const read = async (one: Parameters<typeof reader.read>[0]) => {
      if (one.pid !== pid) return [];
      asked += 1;
      return asked === 1 ? ["something", "else"] : reader.read(one);
    };
    const scan = new GuardScan(directories.guests, [], { reader: { read } });
    expect(await scan.find()).to.deep.equal([]);
    expect(pidsOf(await scan.find())).to.deep.equal([pid]);
  });

  it("are looked at without a search once they are known", async () => {
    const pid = await start();
    const scan = new GuardScan(directories.guests);
    expect(scan.known()).to.deep.equal([]);
    await scan.find();
    expect(scan.known()).to.containSubset([{ pid, stopped: false }]);
    const later = await start({}, otherId);
    process.kill(pid, "SIGSTOP");
    while (livingStat(pid)?.state !== "T") await new Promise(setImmediate);
    expect(scan.known().map((found) => [found.pid, found.stopped])).to.deep.equal([[pid, true]]);
    expect(pidsOf(await scan.find())).to.include(later);
  });

  it("are known from the guard before, also when they cannot say who they are", async () => {
    const pid = await start({ renames: "arguments" });
    const held = { instanceId, ownerEpoch: 7, pid, startTicks: livingStat(pid)?.startTicks ?? 0 };
    const other = { ...held, startTicks: 1 };
    const found = await new GuardScan(directories.guests, [held, other]).find();
    expect(found).to.deep.equal([{ ...held, stopped: false, directory: undefined, isRead: false }]);
  });

  it("are known by the cgroup that the guard before has frozen, also when no file says where that is", async () => {
    const pid = await start();
    const path = join(place.path, "groups", groupName({ instanceId, ownerEpoch: 7, fence: true }));
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "cgroup.events"), "populated 1\nfrozen 1\n");
    writeFileSync(join(path, "cgroup.procs"), `${pid}\n`);
    const group = { path, id: idOfGroup(path) ?? "" };
    const held = { instanceId, ownerEpoch: 7, pid, startTicks: 0, group };
    const groups = new GuardGroups(join(place.path, "guard"), directories.guests, [held]);
    const scan = new GuardScan(directories.guests, [held], { groups });
    expect(scan.known()).to.containSubset([{ pid, stopped: true, group }]);
    expect(await scan.find()).to.containSubset([{ pid, stopped: true, group }]);
    expect(scan.known()).to.have.length(1);
  });

  it("are known by that cgroup when it is listed only after the process was identified", async () => {
    const pid = await start();
    const group = { path: join(place.path, "i.7.fence"), id: "1" };
    const held = { instanceId, ownerEpoch: 7, pid, startTicks: 0, group };
    let listed: ReturnType<GuardGroups["list"]> = [];
    const groups = { list: () => listed, read: async () => undefined };
    const scan = new GuardScan(directories.guests, [held], { groups });
    await scan.find();
    listed = [{ ...held, stopped: true, processes: [pid], directory: null }];
    expect(scan.known()).to.containSubset([{ pid, stopped: true, group }]);
    expect(scan.known()).to.have.length(1);
  });

  describe("whatever hangs", () => {
    let storage: HangingStorage;
    beforeEach(async function () {
      const missing = missingForHangingStorage();
      if (missing !== undefined) skip(this, missing);
      mkdirSync(join(place.path, "fuse"), { mode: 0o755 });
      storage = await HangingStorage.mount(join(place.path, "fuse"));
      writeFileSync(join(storage.behind, "page"), Buffer.alloc(8_192, "x"));
    });
    afterEach(async () => {
      // What hangs cannot be ended, and what has a file open keeps the storage.
      await storage?.answer();
      await impostors.close();
      await storage?.close();
    });

    const startHanging = async (given: Partial<Impostor>, id?: string) => {
      const pid = await start({ page: join(storage.directory, "page"), ...given }, id);
      await storage.hang();
      await impostors.hang(pid);
      return pid;
    };

    it("are found, by the guard and the agent, beside an ordinary user's process that hangs", async () => {
      const guard = await openGuard({
        directory: join(place.path, "guard"),
        guests: directories.guests,
        clock: systemClock,
      });
      await startHanging({ uid: 65_534, ownerEpoch: 99 });
      const pid = await start({}, otherId);
      // As many as Node has threads for files, and one more.
      for (let look = 0; look < 5; look += 1)
        expect(pidsOf(await findGuests(directories))).to.deep.equal([pid]);
      await guard.extend(systemClock.monotonicMs() + 200);
      while (livingStat(pid)?.state !== "T") await new Promise((resolve) => setTimeout(resolve, 10));
      await guard.extend(systemClock.monotonicMs() + 9_000);
      expect(livingStat(pid)?.state).to.not.equal("T");
      process.kill(pid, "SIGKILL");
      while (livingStat(pid) !== undefined) await new Promise(setImmediate);
      await guard.end();
    });

    it("are found beside a guest that hangs, and are no fewer for it", async () => {
      const scan = new GuardScan(directories.guests);
      const hanging = await start({ page: join(storage.directory, "page") });
      expect(pidsOf(await scan.find())).to.deep.equal([hanging]);
      await storage.hang();
      await impostors.hang(hanging);
      const pid = await start({}, otherId);
      for (let look = 0; look < 5; look += 1)
        expect(pidsOf(await scan.find())).to.deep.equal([hanging, pid].sort((one, other) => one - other));
      const fresh = new GuardScan(directories.guests, [], { youngMs: 0 });
      for (let look = 0; look < 5; look += 1) expect(pidsOf(await fresh.find())).to.deep.equal([pid]);
      await storage.answer();
      await until(
        () => fresh.find(),
        (found) => found.length === 2,
      );
    });

    it("are found beside what a guest that was broken out of has begun, and that hangs", async () => {
      const scan = new GuardScan(directories.guests, [], { youngMs: 0 });
      const pid = await start({ network: "new" });
      expect(pidsOf(await scan.find())).to.deep.equal([pid]);
      const page = join(storage.directory, "page");
      const beside: number[] = [];
      while (beside.length < 4) beside.push(await start({ network: pid, page }));
      await storage.hang();
      for (const one of beside) await impostors.hang(one);
      const look = async () => pidsOf(await scan.find());
      expect(await look()).to.deep.equal([pid, ...beside].sort((one, other) => one - other));
      const later = await start({ network: pid }, otherId);
      expect(await look()).to.include(later);
    });
  });
});

describe("reading the arguments of processes", () => {
  it("has no more reads under way than places, and one for a process", async () => {
    const asked: number[] = [];
    const release = new Map<number, () => void>();
    const read = (pid: number) => {
      asked.push(pid);
      return new Promise<string>((resolve) => release.set(pid, () => resolve(`${pid}\0`)));
    };
    const reader = new ArgumentReader({ atOnce: 2, patienceMs: 20 }, read);
    const ask = (pid: number) => reader.read({ pid, startTicks: 1 });
    expect(await Promise.all([1, 2, 3, 3, 1].map(ask))).to.deep.equal(Array(5).fill(undefined));
    expect(asked).to.deep.equal([1, 2]);
    release.get(1)?.();
    const third = ask(3);
    while (!asked.includes(3)) await new Promise(setImmediate);
    release.get(3)?.();
    expect(await third).to.deep.equal(["3"]);
    expect(await ask(2), "it hangs").to.equal(undefined);
    expect(asked).to.deep.equal([1, 2, 3]);
    await Promise.all([4, 5, 6, 7].map(ask));
    expect(asked).to.deep.equal([1, 2, 3, 4]);
    expect(reader.pending, "the others are forgotten").to.equal(2);
  });
});
