/** A node's own files on a full disk: what is there can be replaced, and what is new is refused. */
import { link, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { expect } from "chai";
import { guardLimits } from "../../../actors/node/guard/limits.ts";
import type { StoredGuard } from "../../../actors/node/guard/state.ts";
import type { Guard } from "../../../actors/ports/guard.ts";
import { FileDisks } from "../../../nodes/drivers/disks-file.ts";
import { GuardMemory, guardFiles, readStoredGuard } from "../../../nodes/drivers/guard-files.ts";
import { makeStateDirectories } from "../../../nodes/drivers/guest-directory.ts";
import { DirectoryMachineFiles } from "../../../nodes/drivers/machine-files.ts";
import { openGuard } from "../../../nodes/drivers/qemu/guard-client.ts";
import { FileStorageLeases } from "../../../nodes/drivers/shared-storage/leases.ts";
import { SharedStorage } from "../../../nodes/drivers/shared-storage/storage.ts";
import { padded, SpareFile } from "../../../nodes/drivers/spare-file.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { DirectorySpace, spaceNames } from "../../../nodes/process/disk-space.ts";
import { findProved, proofOf, writeProof } from "../../../nodes/process/owned-process.ts";
import { openOutput } from "../../../nodes/up/server-process.ts";
import { machineSpec } from "../../support/driver-world.ts";
import { mountSmall, type SmallFileSystem } from "../../support/small-file-system.ts";

const reasonOf = async (asked: Promise<unknown>): Promise<unknown> => {
  const thrown = await asked.then(
    () => undefined,
    (error: unknown) => error,
  );
  return thrown instanceof Error && "reason" in thrown ? thrown.reason : thrown;
};

describe("the files of a node on a full disk", () => {
  let disk: SmallFileSystem;
  beforeEach(function () {
    disk = mountSmall(this, 4);
  });
  afterEach(() => disk?.remove());

  it("lets the files of known machines be replaced, again and again, and refuses new ones", async () => {
    const files = new DirectoryMachineFiles(makeStateDirectories(disk.path));
    await files.readAll();
    await files.write("i1", { generation: 1 });
    await files.write("i2", { generation: 1, message: "é".repeat(1_000) });
    disk.fill();
    for (let generation = 2; generation < 30; generation += 1)
      await Promise.all(["i1", "i2"].map((id) => files.write(id, { generation })));
    expect(await reasonOf(files.write("i3", { generation: 1 }))).to.equal("diskFull");
    const others = new DirectoryMachineFiles(makeStateDirectories(disk.path));
    expect(await others.readAll()).to.deep.equal([
      { instanceId: "i1", content: { generation: 29 } },
      { instanceId: "i2", content: { generation: 29 } },
    ]);
    await others.write("i1", { generation: 30 });
    await others.remove("i1");
    expect((await others.readAll()).map(({ instanceId }) => instanceId)).to.deep.equal(["i2"]);
  });

  it("replaces files of the version before, which are smaller, whether there was room once or not", async () => {
    const directories = makeStateDirectories(disk.path);
    const path = (id: string) => join(directories.machines, `${id}.json`);
    const old = JSON.stringify({ generation: 1 });
    await writeFile(path("i1"), old);
    await writeFile(path("i2"), `${old}\n`);
    const files = new DirectoryMachineFiles(directories);
    expect((await files.readAll()).map(({ content }) => content)).to.deep.equal(
      Array(2).fill({ generation: 1 }),
    );
    disk.fill();
    for (let generation = 2; generation < 5; generation += 1) {
      await files.write("i1", { generation });
      await files.write("i2", { generation });
    }
    disk.free();
    // A file of the version before, put back by hand.
    await writeFile(path("i1"), old);
    disk.fill();
    const write = (id: string, generation: number) =>
      reasonOf(files.write(id, { generation, text: "x".repeat(300) }));
    expect(await write("i1", 2)).to.equal(undefined);
    expect(await write("i2", 2), "the spare is too small").to.equal("diskFull");
    disk.free();
    expect([await write("i1", 3), await write("i2", 3)]).to.deep.equal([undefined, undefined]);
    disk.fill();
    for (let generation = 4; generation < 10; generation += 1)
      expect([await write("i1", generation), await write("i2", generation)]).to.deep.equal([
        undefined,
        undefined,
      ]);
  });

  it("leaves files of the version before as they are when there is no room to make them larger", async () => {
    const directories = makeStateDirectories(disk.path);
    await writeFile(join(directories.machines, "i1.json"), JSON.stringify({ generation: 1 }));
    disk.fill();
    const files = new DirectoryMachineFiles(directories);
    expect(await files.readAll()).to.deep.equal([{ instanceId: "i1", content: { generation: 1 } }]);
  });

  it("refuses what is larger than the room kept for it, and leaves the file as it was", async () => {
    const files = new DirectoryMachineFiles(makeStateDirectories(disk.path));
    await files.write("i1", { generation: 1 });
    disk.fill();
    expect(await reasonOf(files.write("i1", { text: "x".repeat(20_000) }))).to.equal("diskFull");
    await files.write("i1", { generation: 2 });
    expect(await files.readAll()).to.deep.equal([{ instanceId: "i1", content: { generation: 2 } }]);
  });

  it("makes no new guest before it is quite full, and lets the guests that are there start", async () => {
    const directories = makeStateDirectories(disk.path);
    const space = new DirectorySpace([{ of: spaceNames.state, path: disk.path }]);
    const disks = new FileDisks(directories, disk.path, { space });
    const spec = (instanceId: string) => machineSpec({ instanceId, diskGib: 0 });
    const never = new AbortController().signal;
    const old = await disks.ensure(spec("old"), never);
    await writeFile(join(disk.path, "filler"), Buffer.alloc(3.8 * 1024 * 1024));
    expect(await reasonOf(disks.ensure(spec("new"), never))).to.equal("diskFull");
    expect(await disks.ensure(spec("old"), never)).to.deep.equal(old);
    await rm(join(disk.path, "filler"));
    expect((await disks.ensure(spec("new"), never)).directory).to.contain("new");
  });

  it("lets the guard write its state down, and come back when it dies", async function () {
    this.timeout(2 * guardLimits.guardStartTimeoutMs);
    const directory = join(disk.path, "guard");
    const open = () => openGuard({ directory, guests: join(disk.path, "guests"), clock: systemClock });
    const pids = async () =>
      [...(await readFile(join(directory, guardFiles.log), "utf8")).matchAll(/as process ([0-9]+)/g)].map(
        ([, pid]) => Number(pid),
      );
    const guard = await open();
    disk.fill();
    for (let extended = 0; extended < 5; extended += 1)
      await guard.extend(systemClock.monotonicMs() + 60_000 + extended);
    const hasStored = (number: number) =>
      until(() => (readStoredGuard(directory)?.number ?? 0) >= number, `extension ${number}`);
    await hasStored(5);
    const [pid = 0] = await pids();
    process.kill(pid, "SIGKILL");
    await until(() => proofOf(pid, directory) === undefined, "the guard is gone");
    const again = await reopened(open);
    await hasStored(6);
    await again.end();
  });

  it("lets a lost host's storage lease be taken, and an agent start, while the shared storage is full", async () => {
    const ids = { next: () => "s1" };
    const storage = new SharedStorage(disk.path, ids);
    const life = () => new FileStorageLeases({ directory: storage.root, everyGuestHolds: async () => true });
    const [lost, witness] = [life(), life()];
    const lease = { hostId: "h1", leaseEpoch: 1 };
    expect(await lost.hold(lease)).to.equal("held");
    disk.fill();
    expect(await witness.examine(lease, true)).to.equal("held");
    expect(await lost.hold(lease)).to.equal("held");
    await lost.close();
    expect(await witness.examine(lease, true)).to.equal("taken");
    expect(await witness.examine(lease, false)).to.equal("taken");
    const next = life();
    expect(await next.hold(lease)).to.equal("taken");
    await next.close();
    expect(new SharedStorage(disk.path, { next: () => "s2" }).storageId).to.equal("s1");
  });

  it("lets a process be started: without its record, and without a file for its words", () => {
    disk.fill();
    const proof = proofOf(process.pid, process.argv[0] ?? "");
    if (proof === undefined) throw new Error("This process runs.");
    writeProof(join(disk.path, "process.json"), proof);
    expect(findProved(join(disk.path, "process.json"))).to.equal(undefined);
    const output = openOutput(join(disk.path, "node.out"));
    expect(output === "ignore" || output > 2).to.equal(true);
  });
});

/** Looks again and again, for as long as a write to memory could take. */
async function until(isTrue: () => boolean, what: string): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (!isTrue()) {
    if (performance.now() > deadlineMs) throw new Error(`Not so within 10 s: ${what}.`);
    await new Promise(setImmediate);
  }
}

/** Guests that a guard has stopped, as many, with the longest words that there can be. */
const stoppedGuests = (count: number): StoredGuard["stopped"] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ instanceId: String(index).padStart(64, "i"), ownerEpoch: 10 ** 15 - 1, pid: 2 ** 22 },
    ...{ startTicks: 10 ** 13 - 1, why: "diskTaken", unprovedSinceMs: 2 ** 40 + Math.PI, killed: true },
  }));

describe("the files of a guard, and how much they may hold", () => {
  let disk: SmallFileSystem;
  const before = process.cwd();
  const failures: string[] = [];
  const noted = (error: NodeJS.ErrnoException) => failures.push(error.code ?? "");
  const stored = (number: number, given: Partial<StoredGuard> = {}): StoredGuard => ({
    ...{ bootId: "b", deadlineMs: number, number, stopped: [] },
    ...given,
  });
  /** What is read may be there before the write has ended: the deeds are written for themselves. */
  const isStored = (expected: StoredGuard) =>
    until(() => isDeepStrictEqual(readStoredGuard(), expected), "it is stored");
  const isRefused = (count: number) => until(() => failures.length >= count, `${count} writes are refused`);
  beforeEach(function () {
    disk = mountSmall(this, 4);
    failures.length = 0;
    process.chdir(disk.path);
  });
  afterEach(() => {
    process.chdir(before);
    disk?.remove();
  });

  it("have room for all guests of a host, and all deeds that are remembered, on a full disk", async () => {
    const memory = new GuardMemory(noted);
    disk.fill();
    const deeds = Array.from({ length: guardLimits.guardDeedsMax }, (_, index) => ({
      ...{ number: 10 ** 15 - 1 - index, instanceId: "i".repeat(64), ownerEpoch: 10 ** 15 - 1 },
      ...({ what: "continued", why: "leaseRenewed", atMs: 2 ** 40 + Math.PI } as const),
    }));
    const full = { stopped: stoppedGuests(2_000), deeds };
    for (const number of [1, 2, 3]) {
      memory.keep(stored(number, full));
      await isStored(stored(number, full));
    }
    expect(failures).to.deep.equal([]);
  });

  it("never lose the last whole state to one that does not fit", async () => {
    const memory = new GuardMemory(noted);
    for (const number of [1, 2]) {
      memory.keep(stored(number));
      await isStored(stored(number));
    }
    const oneBefore = await readFile(guardFiles.states[1], "utf8");
    disk.fill();
    for (const [index, number] of [3, 4, 5].entries()) {
      memory.keep(stored(number, { stopped: stoppedGuests(9_000 + number) }));
      await isRefused(index + 1);
    }
    expect(failures).to.deep.equal(Array(3).fill("ENOSPC"));
    expect(readStoredGuard()).to.deep.equal(stored(2));
    expect((await readFile(guardFiles.states[1], "utf8")).slice(0, 64)).to.equal(oneBefore.slice(0, 64));
    memory.keep(stored(6));
    await isStored(stored(6));
  });

  it("never lose the last whole state to writes that fail on their way", async () => {
    // Files with holes, as on a file system that writes blocks anew: large enough, and without room.
    for (const [index, name] of guardFiles.states.entries()) {
      const number = 2 - index;
      const content = { write: number, ...stored(number), end: number };
      await writeFile(name, `${JSON.stringify(content)}\n`);
      await truncate(name, 512 * 1024);
    }
    const memory = new GuardMemory(noted);
    disk.fill();
    for (const [index, number] of [3, 4, 5].entries()) {
      memory.keep(stored(number, { stopped: stoppedGuests(1_000 + number) }));
      await isRefused(index + 1);
      expect(readStoredGuard()).to.deep.equal(stored(2));
    }
    memory.keep(stored(6));
    await isStored(stored(6));
  });

  it("are used as they are when those of a guard of before are smaller, and the disk is full", async () => {
    const reserved = "\n".repeat(16 * 1024);
    for (const [index, name] of guardFiles.states.entries()) {
      const write = 2 - index;
      const content = { write, ...stored(write), deeds: ["d"], end: write };
      await writeFile(name, JSON.stringify(content) + reserved);
    }
    disk.fill();
    const memory = new GuardMemory(noted);
    expect(readStoredGuard()).to.deep.equal({ ...stored(2), deeds: ["d"] });
    failures.length = 0;
    for (const [index, number] of [3, 4, 5].entries()) {
      memory.keep(stored(number, { stopped: stoppedGuests(120) }));
      await isRefused(index + 1);
      expect(readStoredGuard()?.number).to.equal(2);
    }
    expect(failures).to.deep.equal(Array(3).fill("ENOSPC"));
    for (const number of [6, 7]) {
      memory.keep(stored(number, { stopped: stoppedGuests(20) }));
      await isStored(stored(number, { stopped: stoppedGuests(20) }));
    }
  });
});

describe("the state of a guard", () => {
  const before = process.cwd();
  let directory: string;
  const stored = (number: number) => ({ bootId: "b", deadlineMs: number, number, stopped: [] });
  const written = (number: number) => until(() => readStoredGuard()?.number === number, `write ${number}`);
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "novact-guard-"));
    process.chdir(directory);
  });
  afterEach(async () => {
    process.chdir(before);
    await rm(directory, { recursive: true });
  });

  const unexpected = (error: Error) => {
    throw error;
  };

  it("is what was last written, also by the guard before, and with one file from before there were two", async () => {
    await writeFile(guardFiles.states[0], JSON.stringify(stored(3)));
    expect(readStoredGuard()).to.include({ number: 3 });
    const memory = new GuardMemory(unexpected);
    for (const number of [4, 5, 6]) {
      memory.keep(stored(number));
      await written(number);
    }
    const next = new GuardMemory(unexpected);
    next.keep(stored(7));
    await written(7);
    expect(readStoredGuard()).to.deep.include(stored(7));
  });

  it("is the one before, when the last one was only half written", async () => {
    const memory = new GuardMemory(unexpected);
    memory.keep(stored(1));
    await written(1);
    memory.keep({ ...stored(2), stopped: [] });
    await written(2);
    const last = guardFiles.states[0];
    const whole = await readFile(last, "utf8");
    expect(whole).to.match(/^{"write":2,/);
    // The beginning of a third write over the second one.
    await writeFile(last, whole.replace('{"write":2,', '{"write":3,'));
    expect(readStoredGuard()).to.include({ number: 1 });
  });
});

describe("the spare file", () => {
  let directory: string;
  const path = (name: string) => join(directory, name);
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "novact-spare-"));
    await writeFile(path("a"), padded("old"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("takes the name of the replaced file, which is the next spare", async () => {
    const spare = new SpareFile(directory);
    await spare.prepare();
    const [first, second] = [(await stat(path(".spare"))).ino, (await stat(path("a"))).ino];
    await spare.replace(path("a"), padded("new"));
    expect((await readFile(path("a"), "utf8")).trim()).to.equal("new");
    expect([(await stat(path("a"))).ino, (await stat(path(".spare"))).ino]).to.deep.equal([first, second]);
    expect((await readdir(directory)).sort()).to.deep.equal([".spare", "a"]);
  });

  it("goes on after a crash between any two of its steps, and never writes into a file that is in use", async () => {
    const whole = new SpareFile(directory);
    await whole.prepare();
    // Crash after the link, and after the first rename.
    await link(path("a"), path(".spare.old"));
    await new SpareFile(directory).prepare();
    expect((await readdir(directory)).sort()).to.deep.equal([".spare", ".spare.old", "a"]);
    await rename(path(".spare"), path("b"));
    const next = new SpareFile(directory);
    await next.prepare();
    await next.replace(path("b"), padded("new"));
    expect((await readFile(path("a"), "utf8")).trim()).to.equal("old");
    expect((await readFile(path("b"), "utf8")).trim()).to.equal("new");
    expect((await readdir(directory)).sort()).to.deep.equal([".spare", "a", "b"]);
  });

  it("never uses a spare that another name has as well", async () => {
    const spare = new SpareFile(directory);
    await spare.prepare();
    await writeFile(path("b"), padded("b"));
    await rm(path(".spare"));
    await link(path("a"), path(".spare"));
    expect(await reasonOf(spare.replace(path("b"), padded("new")))).to.equal("diskFull");
    expect((await readFile(path("a"), "utf8")).trim()).to.equal("old");
  });
});

/**
 * A guard that answers. A process that was killed has no arguments any more while its socket still takes
 * connections for a moment; who is cut off then opens the guard again, as an agent does.
 */
async function reopened(open: () => Promise<Guard>): Promise<Guard> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const guard = await open();
      await guard.extend(systemClock.monotonicMs() + 60_000);
      return guard;
    } catch (error) {
      if (attempt === 1_000) throw error;
      await new Promise(setImmediate);
    }
  }
}
