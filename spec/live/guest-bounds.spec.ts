/**
 * What a guest that was broken out of can take from its host, and how its end is told: with hostile programs
 * in a guest's place, and with a real guest. Needs root, perl and cgroups that bound memory and processes and
 * can be frozen; the real guest also qemu-system-x86_64, qemu-img and the tiny guest that the set-up builds.
 */
import { spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import type { GuestEvent } from "../../actors/ports/hypervisor.ts";
import { conditionOfGroup, freezeGroup, killGroup, processesOf } from "../../nodes/drivers/cgroup/control.ts";
import { entering } from "../../nodes/drivers/cgroup/entry.ts";
import { groupName, hostOfGroups } from "../../nodes/drivers/cgroup/group-name.ts";
import { GuestGroups } from "../../nodes/drivers/cgroup/guest-groups.ts";
import { readHierarchies } from "../../nodes/drivers/cgroup/hierarchies.ts";
import { GroupKeeper } from "../../nodes/drivers/cgroup/keeper.ts";
import { lossBySignal } from "../../nodes/drivers/cgroup/loss.ts";
import { groupOfProcess } from "../../nodes/drivers/cgroup/membership.ts";
import { writeFence } from "../../nodes/drivers/fence-record.ts";
import { writeGuardGroups } from "../../nodes/drivers/guard-groups-file.ts";
import { guestUser } from "../../nodes/drivers/guest-user.ts";
import { ImageStore } from "../../nodes/drivers/images/store.ts";
import type { Drivers } from "../../nodes/drivers/kinds.ts";
import { livingStat } from "../../nodes/drivers/process-owners.ts";
import { openGuard } from "../../nodes/drivers/qemu/guard-client.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { until } from "../support/asking.ts";
import { machineSpec, temporaryDirectory } from "../support/driver-world.ts";
import { missingForHostile, startHostile } from "../support/hostile-guest.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { qemuHost } from "../support/qemu-host.ts";
import { skip } from "../support/services.ts";

const never = new AbortController().signal;
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Of statfs: TMPFS_MAGIC of linux/magic.h. */
const tmpfs = 0x01021994;

describe("a guest that was broken out of", function () {
  this.timeout(60_000);
  const spec = machineSpec({ memoryMib: 16, vcpus: 1, diskGib: 0 });
  const tag = { instanceId: spec.instanceId, ownerEpoch: 1, fence: true };
  let groups: GuestGroups;
  let place: Awaited<ReturnType<typeof temporaryDirectory>>;

  before(function () {
    groups = new GuestGroups({ host: `spec${process.pid}`, clock: systemClock });
    const missing = missingForHostile(groups);
    if (missing !== undefined) skip(this, missing);
  });
  beforeEach(async () => {
    place = await temporaryDirectory();
  });
  afterEach(async () => {
    await groups.remove(tag.instanceId);
    await place?.remove();
  });
  const start = (does: Parameters<typeof startHostile>[1]["does"], ...more: readonly string[]) =>
    startHostile(groups, { tag, spec, does, arguments: more });
  /** A guard of this guest alone, whose disk is in a directory of the place. */
  const guardOf = async (recorded = true) => {
    const [guests, disk] = [join(place.path, "guests"), join(place.path, `${tag.instanceId}.e1`)];
    for (const directory of [join(guests, tag.instanceId), disk])
      mkdirSync(directory, { recursive: true, mode: 0o711 });
    if (recorded) writeFence(join(guests, tag.instanceId), tag, join(disk, "disk.qcow2"));
    writeGuardGroups(join(place.path, "guard"), groups.freezer ?? "");
    return openGuard({ directory: join(place.path, "guard"), guests, clock: systemClock });
  };
  const frozen = () =>
    until(
      async () => conditionOfGroup(freezer()),
      (condition) => condition === "frozen",
    );
  const freezer = () => join(groups.freezer ?? "", groupName(tag));

  it("and takes all memory ends at its bound, and its owner is told", async () => {
    const { ended } = await start("takesMemory");
    expect(await ended).to.equal("SIGKILL");
    const memoryMib = 16 + 256 + 8 + 1;
    expect(groups.lossOf(tag)).to.deep.equal({
      reason: "memoryExceeded",
      message: `The guest's process needed more memory than its bound of ${memoryMib} MiB and was ended by the kernel.`,
    });
  });

  it("and is ended because there is no memory left around it is not told that it took too much", async function () {
    const hierarchy = readHierarchies().find(({ controllers }) => controllers.includes("memory"));
    if (hierarchy === undefined) return skip(this, "memory is not bounded by cgroups of version 1");
    // The kernel gives back pages of a file on a disk, and without swap no page of a file in memory.
    if (statfsSync("/var/tmp").type === tmpfs) return skip(this, "/var/tmp is in memory");
    const onDisk = mkdtempSync("/var/tmp/novact-bounds-");
    chmodSync(onDisk, 0o711);
    const top = join(hierarchy.top, `spec${process.pid}`);
    mkdirSync(top);
    const hierarchies = [{ ...hierarchy, top, own: top }];
    const tight = new GuestGroups({ host: "tight", clock: systemClock, at: "top", hierarchies });
    const [file, fill, take] = ["file", "fill", "take"].map((name) => join(onDisk, name));
    const uid = guestUser(tag.instanceId)?.uid ?? 0;
    writeFileSync(file ?? "", "");
    chownSync(file ?? "", uid, uid);
    const words = [file ?? "", fill ?? "", take ?? ""];
    try {
      const hostile = { tag, spec, does: "cachesThenTakes", arguments: words } as const;
      const { ended, said } = await startHostile(tight, hostile);
      const group = join(top, "novact.tight", groupName(tag));
      // The guest's files in memory meet the guest's bound, and are given back: the kernel ends nobody.
      const bound = readFileSync(join(group, "memory.limit_in_bytes"), "latin1");
      writeFileSync(join(group, "memory.limit_in_bytes"), String(40 * 1024 ** 2));
      writeFileSync(fill ?? "", "");
      // Whoever is over its bound waits for the disk, which others use as well.
      await until(
        async () => said(),
        (text) => text.includes("cached"),
        1_600,
      );
      expect(Number(readFileSync(join(group, "memory.failcnt"), "latin1"))).to.be.above(0);
      expect(tight.lossOf(tag)).to.equal(undefined);
      writeFileSync(join(group, "memory.limit_in_bytes"), bound.trim());
      writeFileSync(join(top, "memory.limit_in_bytes"), String(100 * 1024 ** 2));
      writeFileSync(take ?? "", "");
      expect(await ended).to.equal("SIGKILL");
      expect(tight.lossOf(tag)?.reason).to.equal("hostMemoryShort");
    } finally {
      await tight.remove(tag.instanceId);
      rmdirSync(top);
      rmSync(onDisk, { recursive: true });
    }
  });

  it("and forks without end gets no more than its bound, and all of it ends", async () => {
    await start("forks");
    await until(
      async () => groups.lossOf(tag),
      (loss) => loss !== undefined,
    );
    expect(groups.lossOf(tag)?.reason).to.equal("processesExceeded");
    const pids = processesOf(freezer());
    expect(pids).to.have.length(128 + spec.vcpus);
    await groups.remove(tag.instanceId);
    expect(pids.filter((pid) => livingStat(pid) !== undefined)).to.deep.equal([]);
    expect(groups.list()).to.deep.equal([]);
  });

  it("and writes without end is ended at the size of a disk", async () => {
    const uid = guestUser(tag.instanceId)?.uid ?? 0;
    const directory = join(place.path, "its");
    mkdirSync(directory, { mode: 0o711 });
    writeFileSync(join(directory, "file"), "");
    chownSync(join(directory, "file"), uid, uid);
    const { ended } = await start("writes", join(directory, "file"));
    const signal = await ended;
    expect(signal).to.equal("SIGXFSZ");
    expect(lossBySignal(signal)?.reason).to.equal("fileExceeded");
  });

  it("cannot leave its cgroups, nor set its bounds", async () => {
    const { ended, said, pid } = await start("leaves", groups.freezer ?? "", dirname(groups.freezer ?? ""));
    await ended;
    expect(said()).to.equal("begun\nrefused\nrefused\n");
    expect(pid).to.be.above(0);
  });

  it("is frozen and killed as a whole, and never said to be before it is", async () => {
    const { pid } = await start("forks");
    await until(
      async () => processesOf(freezer()).length,
      // Orphans of the tests before, where nobody reaps them, count as processes of the same user.
      (count) => count > 10,
    );
    expect(conditionOfGroup(freezer())).to.equal("running");
    const guard = await guardOf();
    await guard.extend(systemClock.monotonicMs() + 200);
    await frozen();
    const before = processesOf(freezer());
    await sleep(300);
    expect(processesOf(freezer()), "nobody forks").to.deep.equal(before);
    expect(before).to.include(pid);
    await until(
      () => guard.deeds(0),
      (deeds) => deeds.some(({ what }) => what === "stopped"),
    );
    await guard.extend(systemClock.monotonicMs() + 9_000);
    // The kernel shows it once the first of the processes has run again.
    await until(
      async () => conditionOfGroup(freezer()),
      (condition) => condition === "running",
    );
    rmSync(join(place.path, `${tag.instanceId}.e1`), { recursive: true });
    await guard.extend(systemClock.monotonicMs() + 200);
    await until(
      async () => conditionOfGroup(freezer()),
      (condition) => condition === "empty",
    );
    await until(
      () => guard.deeds(0),
      (deeds) => deeds.some(({ what, why }) => what === "gone" && why === "diskTaken"),
    );
    await guard.end();
  });

  it("is frozen and killed by an agent that is not root as well, to which its cgroup was given", async () => {
    const { ended } = await start("waits");
    const nobody = 65_534;
    for (const name of ["", "cgroup.freeze", "cgroup.kill"]) chownSync(join(freezer(), name), nobody, nobody);
    process.seteuid?.(nobody);
    try {
      freezeGroup(freezer(), true);
      killGroup(freezer());
    } finally {
      process.seteuid?.(0);
    }
    expect(await ended).to.equal("SIGKILL");
  });

  it("stays frozen when nobody knows where its disk is", async () => {
    await start("waits");
    const guard = await guardOf(false);
    await guard.extend(systemClock.monotonicMs() + 200);
    await frozen();
    await guard.extend(systemClock.monotonicMs() + 9_000);
    await sleep(300);
    expect(conditionOfGroup(freezer())).to.equal("frozen");
    await groups.remove(tag.instanceId);
    await guard.end();
  });
});

describe("the cgroups of a real guest", function () {
  this.timeout(120_000);
  let place: Awaited<ReturnType<typeof temporaryDirectory>>;
  let image: MachineSpec["image"];
  let drivers: Drivers;
  let probe: GuestGroups;
  const nextLife = () =>
    qemuHost({ stateDirectory: join(place.path, "state"), imageStore: join(place.path, "store") });
  const kept = async () =>
    (await drivers.audit()).holdings.flatMap(({ kind, what }) => (kind === "cgroup" ? [what] : []));
  const start = async (spec: MachineSpec) =>
    drivers.hypervisor.start(spec, await drivers.disks.ensure(spec, never), never);

  before(async function () {
    const guest = guestOfSetup();
    const missing = missingForGuests();
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    place = await temporaryDirectory();
    const host = hostOfGroups("host", join(realpathSync(place.path), "state"));
    probe = new GuestGroups({ host, clock: systemClock });
    const unable = missingForHostile(probe);
    if (unable !== undefined) skip(this, unable);
    const store = new ImageStore({ directory: join(place.path, "store"), sources: [guest.directory] });
    const kernel = await store.registerFile({ path: guest.kernel });
    const ramdisk = await store.registerFile({ path: guest.ramdisk });
    image = { id: "tiny", disk: null, kernel, ramdisk, commandLine: guest.commandLine };
    drivers = nextLife();
  });
  afterEach(async () => {
    for (const { instanceId } of (await drivers?.hypervisor.list()) ?? [])
      await drivers.hypervisor.halt(instanceId, never);
    expect(probe.list(), "nothing is left").to.deep.equal([]);
  });
  after(async () => {
    await drivers?.hypervisor.detach();
    await place?.remove();
  });

  it("have its process before it is one, and go with it", async () => {
    const { pid, instanceId } = await start(machineSpec({ image }));
    expect(groupOfProcess(pid)).to.equal(join(probe.freezer ?? "", `${instanceId}.1`));
    expect(probe.list()).to.deep.equal([{ instanceId, ownerEpoch: 1 }]);
    await drivers.hypervisor.halt(instanceId, never);
    expect(probe.list()).to.deep.equal([]);
  });

  it("tell the agent why the process ended", async () => {
    const events: GuestEvent[] = [];
    drivers.hypervisor.onEvent((event) => events.push(event));
    const spec = machineSpec({ image });
    const { pid, instanceId } = await start(spec);
    // Of two processes the kernel shall choose the guest's, though the other may be larger by then.
    writeFileSync(`/proc/${pid}/oom_score_adj`, "1000");
    const program = { command: "perl", argv: ["-e", '$taken .= "x" x 1048576 while 1'] };
    const { command, argv } = entering(probe.directoriesOf(instanceId), program);
    const hog = spawn(command, argv, { stdio: "ignore" });
    await until(
      async () => events,
      (seen) => seen.some(({ kind }) => kind === "lost"),
    );
    expect(events.find(({ kind }) => kind === "lost")).to.containSubset({
      ...{ instanceId, why: { reason: "memoryExceeded" } },
    });
    await until(
      async () => probe.list(),
      (left) => left.length === 0,
    );
    expect(livingStat(hog.pid ?? 0), "what it began ended with it").to.equal(undefined);
  });

  it("that a dead guest has left are removed by the next agent, those of a living one are kept", async () => {
    const [dead, living] = [machineSpec({ image }), machineSpec({ image })];
    const { pid } = await start(dead);
    await start(living);
    await drivers.hypervisor.detach();
    process.kill(pid, "SIGKILL");
    while (livingStat(pid) !== undefined) await sleep(10);
    expect(await kept()).to.have.members([`cgroup ${dead.instanceId}.1`, `cgroup ${living.instanceId}.1`]);
    drivers = nextLife();
    await drivers.hypervisor.list();
    expect(probe.list().map(({ instanceId }) => instanceId)).to.deep.equal([living.instanceId]);
    expect(await kept()).to.deep.equal([`cgroup ${living.instanceId}.1`]);
  });

  it("end with a guest that is halted, and with the first look of an agent, though nothing shows a guest", async () => {
    const leave = async () => {
      const spec = machineSpec({ image });
      const tag = { instanceId: spec.instanceId, ownerEpoch: 1, fence: true };
      return { ...tag, ...(await startHostile(probe, { tag, spec, does: "waits" })) };
    };
    const known = await start(machineSpec({ image }));
    const halted = await leave();
    await drivers.hypervisor.halt(halted.instanceId, never);
    expect(livingStat(halted.pid)).to.equal(undefined);
    await drivers.hypervisor.detach();
    const { pid } = await leave();
    drivers = nextLife();
    expect((await drivers.hypervisor.list()).map((guest) => guest.pid)).to.deep.equal([known.pid]);
    expect(livingStat(pid)).to.equal(undefined);
    expect(probe.list().map(({ instanceId }) => instanceId)).to.deep.equal([known.instanceId]);
  });

  it("of which there are none leave a guest to run without, and an agent with them adopts it", async () => {
    process.env.NOVACT_CGROUPS = "none";
    try {
      await drivers.hypervisor.detach();
      drivers = nextLife();
      const { pid, instanceId } = await start(machineSpec({ image }));
      expect(probe.list()).to.deep.equal([]);
      delete process.env.NOVACT_CGROUPS;
      await drivers.hypervisor.detach();
      drivers = nextLife();
      expect(await drivers.hypervisor.list()).to.containSubset([{ pid, instanceId, status: "running" }]);
    } finally {
      delete process.env.NOVACT_CGROUPS;
    }
  });

  it("are holdings that a keeper lists and releases, with what is in them", async () => {
    const { pid, instanceId } = await start(machineSpec({ image }));
    const keeper = new GroupKeeper(probe);
    const [holding] = await keeper.list();
    const what = `cgroup ${instanceId}.1`;
    expect(holding).to.deep.equal({ instanceId, ownerEpoch: 1, what, populated: true });
    if (holding !== undefined) await keeper.release(holding, never);
    expect(livingStat(pid)).to.equal(undefined);
    expect(await keeper.list()).to.deep.equal([]);
  });
});
