/** The bounds of containers, each met by a container that wants more than the bound. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { GuestEvent, MachineSpec } from "novact/plugin";
import { Cgroup } from "../src/cgroup.ts";
import { consoleSegments } from "../src/console-log.ts";
import { guestFiles } from "../src/guest-files.ts";
import { cgroupParent, hierarchies } from "../src/host.ts";
import type { ContainerHypervisor } from "../src/hypervisor.ts";
import { containerLimits } from "../src/limits.ts";
import { ContainerWorld, needsContainers, type RegisteredImage } from "./world.ts";

const never = new AbortController().signal;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a container that wants more than it has", function () {
  this.timeout(60_000);
  let world: ContainerWorld;
  let image: RegisteredImage;
  let hypervisor: ContainerHypervisor;
  let events: GuestEvent[];
  before(function () {
    needsContainers(this);
    world = new ContainerWorld();
    image = world.tarImage();
  });
  beforeEach(() => {
    hypervisor = world.agent({ processesMax: 32 });
    events = [];
    hypervisor.onEvent((event) => events.push(event));
  });
  afterEach(() => hypervisor?.detach());
  after(() => world?.close());

  const start = async (program: string, given: Partial<MachineSpec> = {}) => {
    const spec = world.spec(image, given, `init=/sbin/${program}`);
    const paths = await world.disks.ensure(spec, never);
    await hypervisor.start(spec, paths, never);
    const cgroup = new Cgroup(hierarchies(), cgroupParent(world.host), `${spec.instanceId}.1`);
    return { ...spec, directory: paths.directory, cgroup };
  };
  const status = async (instanceId: string) => (await hypervisor.inspect(instanceId))?.status;

  it("has no more processes than it may, is told so, and is ended like any other", async () => {
    const { instanceId, cgroup } = await start("forks");
    await world.untilSaid(instanceId, "no more than 32 processes were allowed at once");
    expect(cgroup.processes().length).to.be.within(2, 32);
    await hypervisor.halt(instanceId, never);
    expect(cgroup.processes()).to.deep.equal([]);
  });

  it("loses the process that takes its memory, is told so, and goes on", async () => {
    const { instanceId } = await start("eats");
    await world.untilSaid(instanceId, "the memory of 64 MiB was used up");
    expect(await status(instanceId)).to.equal("running");
    expect(events).to.deep.equal([]);
    await hypervisor.halt(instanceId, never);
  });

  it("ends when its first process takes all memory, and both its owner and the host are told", async () => {
    const { instanceId } = await start("starves");
    const said = await world.untilSaid(instanceId, "the first process was ended by signal 9");
    expect(said).to.include("the memory of 64 MiB was used up");
    while (events.length === 0) await pause(20);
    expect(events).to.deep.equal([{ kind: "panicked", instanceId }]);
    expect(await status(instanceId)).to.equal("panicked");
    await hypervisor.halt(instanceId, never);
  });

  it("fills its own disk and no other", async () => {
    const { instanceId, directory } = await start("fills", { diskGib: 0 });
    await world.untilSaid(instanceId, "full");
    const { size, blocks } = statSync(join(directory, guestFiles.disk));
    expect(size).to.equal(64 * 1024 * 1024);
    expect(blocks * 512).to.be.at.most(size + 4_096);
    await hypervisor.halt(instanceId, never);
  });

  it("writes its console no faster than it may, keeps no more of it, and leaves the processor alone", async () => {
    const { instanceId, directory } = await start("talks");
    const { pid } = (await hypervisor.inspect(instanceId)) ?? { pid: 0 };
    const end = () => consoleSegments(directory).at(-1)?.end ?? 0;
    while (end() < containerLimits.consoleSegmentBytesMax * 4) await pause(50);
    const [before, beforeMs, ticks] = [end(), performance.now(), ticksOf(pid)];
    await pause(1_500);
    const seconds = (performance.now() - beforeMs) / 1_000;
    const bytes = end() - before;
    // A chunk of a pipe may be on either side of the interval.
    expect(bytes).to.be.at.most(seconds * containerLimits.consoleBytesPerSecondMax + 128 * 1024);
    const segments = consoleSegments(directory);
    expect(segments).to.have.length(containerLimits.consoleSegmentsMax);
    for (const { path } of segments)
      expect(statSync(path).size).to.be.at.most(containerLimits.consoleSegmentBytesMax);
    expect((ticksOf(pid) - ticks) / 100, "processor time of the shim").to.be.at.most(seconds / 2);
    await hypervisor.halt(instanceId, never);
  });

  it("has no more processor time than its CPUs give", async () => {
    const { cgroup, instanceId } = await start("talks", { vcpus: 1 });
    const { controllers } = hierarchies();
    const { root, version } = controllers.cpu;
    const path = join(root, cgroupParent(world.host), cgroup.name);
    const text = readFileSync(join(path, version === 1 ? "cpu.cfs_quota_us" : "cpu.max"), "utf8").trim();
    expect(text).to.equal(version === 1 ? "100000" : "100000 100000");
    await hypervisor.halt(instanceId, never);
  });
});

/** Processor time of a process, in ticks of a hundredth of a second. */
function ticksOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
