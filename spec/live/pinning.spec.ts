/**
 * CPUs of one's own, NUMA nodes and huge pages with real guests: checked by what the kernel reports about
 * their threads and memory. On a computer with two CPUs or more; huge pages where some are free.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import {
  cpusOfList,
  type HostNumaNode,
  hostNumaNodes,
  numaNodes,
} from "../../nodes/drivers/computer-facts.ts";
import { ImageStore } from "../../nodes/drivers/images/store.ts";
import type { Drivers } from "../../nodes/drivers/kinds.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import type { NumaPlacement } from "../../protocol/numa.ts";
import { machineSpec, type TemporaryDirectory, temporaryDirectory } from "../support/driver-world.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { qemuHost } from "../support/qemu-host.ts";
import { skip } from "../support/services.ts";

const never = new AbortController().signal;

const listIn = (path: string): number[] =>
  cpusOfList(/^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync(path, "utf8"))?.[1] ?? "");

/** The CPUs that each thread of the process may use. */
const threadsOf = (pid: number): number[][] =>
  readdirSync(`/proc/${pid}/task`).map((thread) => listIn(`/proc/${pid}/task/${thread}/status`));

/** True when all threads of the process may use exactly these CPUs. */
const isOn = (pid: number, cpus: readonly number[]): boolean =>
  threadsOf(pid).every((list) => list.join() === cpus.join());

async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("real guests with CPUs, NUMA nodes or pages of their own", function () {
  this.timeout(60_000);
  let directory: TemporaryDirectory;
  let drivers: Drivers;
  let image: MachineSpec["image"];
  let node: HostNumaNode;
  let cpus: readonly number[];

  const open = () =>
    qemuHost({
      imageStore: join(directory.path, "store"),
      stateDirectory: join(directory.path, "state"),
    });

  before(async function () {
    const [missing, guest, nodes] = [missingForGuests(), guestOfSetup(), await hostNumaNodes()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    const [first] = nodes;
    if (first === undefined || first.cpus.length < 2)
      return skip(this, "there is no NUMA node with two CPUs");
    node = first;
    cpus = nodes.flatMap((one) => one.cpus).sort((left, right) => left - right);
    directory = await temporaryDirectory();
    const store = new ImageStore({
      directory: join(directory.path, "store"),
      sources: [guest.directory],
    });
    const kernel = await store.registerFile({ path: guest.kernel });
    const ramdisk = await store.registerFile({ path: guest.ramdisk });
    image = { id: "tiny", disk: null, kernel, ramdisk, commandLine: guest.commandLine };
    drivers = open();
  });
  afterEach(async () => {
    for (const { instanceId } of await drivers.hypervisor.list())
      await drivers.hypervisor.halt(instanceId, never);
  });
  after(async () => {
    await drivers?.hypervisor.detach();
    await directory?.remove();
  });

  const specOf = (numa?: Partial<NumaPlacement["nodes"][number]>, dedicated = true): MachineSpec => {
    const nodes = [{ node: 0, vcpus: 1, memoryMib: 128, ...numa }];
    const vcpus = nodes.reduce((sum, one) => sum + one.vcpus, 0);
    const bound = numa === undefined ? {} : { numa: { dedicated, nodes } };
    return machineSpec({ vcpus, memoryMib: 128, image, ...bound });
  };
  const start = async (spec: MachineSpec) =>
    drivers.hypervisor.start(spec, await drivers.disks.ensure(spec, never), never);
  const refused = (spec: MachineSpec) => start(spec).catch((error: unknown) => error);

  it("run each on a CPU of its own, and on no other, with every thread", async () => {
    const guests = await Promise.all([start(specOf({})), start(specOf({}))]);
    const lists = guests.map(({ pid }) => threadsOf(pid));
    for (const list of lists) {
      expect(new Set(list.map((own) => own.join())).size).to.equal(1);
      expect(list[0]).to.have.length(1);
    }
    const own = lists.map((list) => list[0]?.[0]);
    expect(own.sort()).to.deep.equal(node.cpus.slice(0, 2));
    if (node.cpus.length > 2) return;
    const third = await refused(specOf({}));
    expect(third).to.include({ reason: "hypervisorRefused" });
    expect(third).to.have.property("message").that.contains("0 CPUs that are nobody's own; 1 is needed");
    expect(await drivers.hypervisor.list()).to.have.length(2);
  });

  it("with several vCPUs run each of these on a CPU of its own", async () => {
    const { pid } = await start(specOf({ vcpus: 2 }));
    const [first = 0, second = 0] = node.cpus;
    const lists = threadsOf(pid).map((list) => list.join());
    expect(lists.filter((list) => list === String(first))).to.have.length(1);
    expect(lists.filter((list) => list === String(second))).to.have.length(1);
    expect(new Set(lists)).to.deep.equal(new Set([`${first}`, `${second}`, `${first},${second}`]));
  });

  it("keep all other guests off their CPUs, those from before and those that come, while they live", async () => {
    const [first = 0] = node.cpus;
    const others = cpus.filter((cpu) => cpu !== first);
    const before = await start(specOf());
    expect(isOn(before.pid, cpus)).to.equal(true);
    const spec = specOf({});
    await start(spec);
    expect(isOn(before.pid, others)).to.equal(true);
    const later = await start(specOf());
    expect(isOn(later.pid, others)).to.equal(true);
    await drivers.hypervisor.halt(spec.instanceId, never);
    await until(() => isOn(before.pid, cpus) && isOn(later.pid, cpus));
  });

  it("are known with their CPUs to an agent that has just begun", async () => {
    const first = await start(specOf({}));
    const [own] = threadsOf(first.pid);
    await drivers.hypervisor.detach();
    drivers = open();
    const second = await start(specOf({}));
    expect(isOn(first.pid, own ?? [])).to.equal(true);
    expect(threadsOf(second.pid)[0]).to.have.length(1);
    expect(threadsOf(second.pid)[0]).not.to.deep.equal(own);
  });

  it("have their memory bound to their NUMA nodes", async () => {
    const { pid } = await start(specOf({}, false));
    expect(readFileSync(`/proc/${pid}/numa_maps`, "utf8")).to.contain(`bind:${node.node}`);
    expect(isOn(pid, node.cpus)).to.equal(true);
  });

  it("have their memory in huge pages, or are refused", async function () {
    const pages = (await numaNodes())[0]?.hugePages.find(({ sizeKib }) => sizeKib === 2_048)?.total ?? 0;
    if (pages > 0 && pages < 64) skip(this, "there are fewer than 64 huge pages");
    const started = await refused(specOf({ pageKib: 2_048 }));
    if (pages === 0) {
      expect(started).to.include({ reason: "hypervisorRefused" });
      return;
    }
    expect(started).to.have.property("pid");
    const [guest] = await drivers.hypervisor.list();
    expect(readFileSync(`/proc/${guest?.pid}/numa_maps`, "utf8")).to.match(/huge .*kernelpagesize_kB=2048/);
  });
});
