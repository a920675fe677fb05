/**
 * Controller and compute nodes together, on a memory bus and a memory store with fake guests: lives of
 * instances.
 */
import { expect } from "chai";
import { assembleCompute, type Compute } from "../../nodes/compute/assembly.ts";
import { createFakeDrivers } from "../../nodes/drivers/fake/index.ts";
import { FakeWorld } from "../../nodes/drivers/fake/world.ts";
import { systemClock, systemIds } from "../../nodes/process/clock.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { controllerWorld, silentLog } from "../support/controller-world.ts";
import { machineFilesOf } from "../support/machine-files.ts";
import { inventoryOf } from "../support/scripted-host.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

interface Node {
  readonly machine: FakeWorld;
  compute: Compute;
}

async function eventually(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => systemClock.after(5, () => resolve(undefined)));
}

describe("a cluster of controller and hosts", function () {
  this.timeout(20_000);
  let world: World;
  let nodes: Node[];

  const startCompute = (id: string, machine: FakeWorld): Compute => {
    const log = { ...silentLog, error: () => undefined };
    const drivers = createFakeDrivers({ world: machine });
    const inventory = inventoryOf(id, { vcpus: 1_000, memoryMib: 1_000_000, diskGib: 100_000 });
    const rest = { cell: "test", bus: world.bus, ids: systemIds(0), bootsMax: 4 };
    return assembleCompute({ clock: systemClock, log, ...rest, drivers, inventory });
  };
  const addNode = async (id: string): Promise<Node> => {
    const machine = new FakeWorld({ clock: systemClock, shutdownLatencyMs: 2 });
    const node = { machine, compute: startCompute(id, machine) };
    nodes.push(node);
    await eventually(async () => (await world.admin.host.list({})).hosts.some((host) => host.id === id));
    return node;
  };

  beforeEach(async () => {
    world = await controllerWorld();
    nodes = [];
  });
  afterEach(async () => {
    for (const { compute } of nodes) await compute.stop({ guests: true, patienceMs: 100 });
    await world.stop();
  });
  const create = (name: string) =>
    world.demo.instance.create({ name, flavor: "tiny", image: "tiny", wait: true });
  const stateOf = async (id: string) => (await world.demo.instance.get(id, {})).instance.state;
  const findings = async () => (await world.admin.doctor.examine({})).findings;

  it("lives a whole life, and the doctor finds nothing at any time", async () => {
    const { machine } = await addNode("a");
    const { instance } = await create("web");
    expect(instance.state).to.equal("running");
    const { id } = instance;
    const { demo } = world;
    const steps = [
      () => demo.instance.pause(id, { wait: true }),
      () => demo.instance.unpause(id, { wait: true }),
      () => demo.instance.reboot(id, { wait: true }),
      () => demo.instance.reboot(id, { wait: true, mode: "hard" }),
      () => demo.instance.stop(id, { wait: true }),
      () => demo.instance.start(id, { wait: true }),
    ];
    for (const step of steps) {
      expect((await step()).operation.state).to.equal("done");
      expect(await findings()).to.deep.equal([]);
    }
    await demo.instance.delete(id, { wait: true });
    expect([machine.list().length, machine.disks.size, machineFilesOf(machine).length]).to.deep.equal([
      0, 0, 0,
    ]);
    expect(await findings()).to.deep.equal([]);
  });

  it("spreads many creates over its hosts, and deletes them all again", async () => {
    for (const id of ["a", "b"]) await addNode(id);
    const made = await Promise.all(Array.from({ length: 100 }, (_, index) => create(`i${index}`)));
    expect(made.every(({ instance }) => instance.state === "running")).to.equal(true);
    expect(nodes.map(({ machine }) => machine.list().length).reduce((sum, count) => sum + count)).to.equal(
      100,
    );
    expect(await findings()).to.deep.equal([]);
    await Promise.all(made.map(({ instance }) => world.demo.instance.delete(instance.id, { wait: true })));
    for (const { machine } of nodes)
      expect([machine.list().length, machine.disks.size]).to.deep.equal([0, 0]);
    expect(await world.store.hosts.claimTotals()).to.deep.equal([]);
  });

  it("gives a build up that no host can do, and leaves nothing of it on any of them", async () => {
    const hosts = [await addNode("a"), await addNode("b")];
    for (const { machine } of hosts) {
      machine.inject("start", new StatusError("hypervisorRefused", "It was injected."));
    }
    expect((await create("web")).operation).to.deep.include({ state: "failed" });
    await eventually(() =>
      hosts.every(({ machine }) => machine.disks.size + machineFilesOf(machine).length === 0),
    );
    expect((await create("second")).instance.state).to.equal("running");
  });

  it("follows a guest that shuts itself down, and restarts one whose process dies", async () => {
    const { machine } = await addNode("a");
    const [one, two] = [await create("one"), await create("two")];
    machine.guestDoes(one.instance.id, "shutdown");
    machine.kill(two.instance.id);
    await eventually(async () => (await stateOf(one.instance.id)) === "stopped");
    await eventually(async () => machine.find(two.instance.id) !== undefined);
    await eventually(async () => (await stateOf(two.instance.id)) === "running");
    expect((await world.demo.instance.start(one.instance.id, { wait: true })).instance.state).to.equal(
      "running",
    );
    expect(await findings()).to.deep.equal([]);
  });

  it("tells the owner of a guest that wanted more memory than its bound, in its events", async () => {
    const { machine } = await addNode("a");
    const { instance } = await create("one");
    machine.exceedMemory(instance.id);
    await eventually(async () => machine.find(instance.id) !== undefined);
    await eventually(async () => (await stateOf(instance.id)) === "running");
    const { events } = await world.demo.event.list({ after: 0, id: instance.id });
    const why = events.filter(({ body }) => body.reason !== undefined).map(({ body }) => body);
    expect(why).to.containSubset([{ from: "running", to: "starting", reason: "memoryExceeded" }]);
    expect(why[0]?.message).to.match(/^The guest's process needed more memory than its bound/);
  });

  it("ends every operation when its agent is restarted in the middle of them", async () => {
    const node = await addNode("a");
    const old = await Promise.all(Array.from({ length: 10 }, (_, index) => create(`old${index}`)));
    const creates = Array.from({ length: 10 }, (_, index) => create(`new${index}`));
    const deletes = old
      .slice(0, 5)
      .map(({ instance }) => world.demo.instance.delete(instance.id, { wait: true }));
    await node.compute.stop({ guests: false });
    node.compute = startCompute("a", node.machine);
    const done = await Promise.all([...creates, ...deletes]);
    expect(done.map(({ operation }) => operation.state)).to.deep.equal(
      Array.from({ length: 15 }, () => "done"),
    );
    expect(node.machine.list()).to.have.length(15);
    await eventually(async () => (await findings()).length === 0);
  });

  it("takes its guests down with the host, and up again with it", async () => {
    const node = await addNode("a");
    const { instance } = await create("web");
    await node.compute.stop({ guests: true });
    expect(node.machine.list()).to.deep.equal([]);
    node.compute = startCompute("a", node.machine);
    await eventually(() => node.machine.find(instance.id) !== undefined);
    await eventually(async () => (await stateOf(instance.id)) === "running");
    await eventually(async () => (await findings()).length === 0);
  });
});
