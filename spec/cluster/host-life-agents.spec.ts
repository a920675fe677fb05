/**
 * The end of hosts with real agents, on a memory bus and a memory store with fake guests: as host-life.spec,
 * but judged by the guests.
 */
import { expect } from "chai";
import { assembleCompute, type Compute } from "../../nodes/compute/assembly.ts";
import { createFakeDrivers } from "../../nodes/drivers/fake/index.ts";
import { FakeStorage } from "../../nodes/drivers/fake/storage.ts";
import { FakeWorld } from "../../nodes/drivers/fake/world.ts";
import { systemClock, systemIds } from "../../nodes/process/clock.ts";
import { controllerWorld, silentLog } from "../support/controller-world.ts";
import { machineFilesOf } from "../support/machine-files.ts";
import { inventoryOf } from "../support/scripted-host.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

async function eventually(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => systemClock.after(5, () => resolve(undefined)));
}

describe("hosts with agents that end", function () {
  this.timeout(30_000);
  let world: World;
  let computes: Compute[];

  const addNode = async (id: string, storage?: FakeStorage): Promise<FakeWorld> => {
    const shared = storage === undefined ? {} : { storage };
    const machine = new FakeWorld({ clock: systemClock, shutdownLatencyMs: 2, ...shared });
    const log = { ...silentLog, error: () => undefined };
    const common = { clock: systemClock, log };
    const drivers = createFakeDrivers({ world: machine });
    const inventory = inventoryOf(id, { storageId: storage?.storageId ?? null });
    const rest = { cell: "test", bus: world.bus, ids: systemIds(0), bootsMax: 4 };
    computes.push(assembleCompute({ ...common, ...rest, drivers, inventory }));
    await eventually(async () => (await world.admin.host.list({})).hosts.some((host) => host.id === id));
    return machine;
  };
  beforeEach(async () => {
    world = await controllerWorld();
    computes = [];
  });
  afterEach(async () => {
    for (const compute of computes) await compute.stop({ guests: true, patienceMs: 100 });
    await world.stop();
  });
  const create = async (name: string, more: object = {}) =>
    (await world.demo.instance.create({ ...{ name, flavor: "tiny", image: "tiny", wait: true }, ...more }))
      .instance;
  const instanceOf = async (id: string) => (await world.demo.instance.get(id, {})).instance;
  const runsOn = async (id: string, hostId: string) => {
    const seen = await instanceOf(id);
    return seen.state === "running" && seen.hostId === hostId;
  };

  it("a drain asks guests to shut down, leaves nothing on the host, and starts them elsewhere", async () => {
    const a = await addNode("a");
    const made = [await create("one"), await create("two"), await create("three")];
    const b = await addNode("b");
    await world.admin.host.drain("a", { reason: "a new disk", parallelism: 2 });
    for (const { id } of made) await eventually(() => runsOn(id, "b"));
    expect([a.list().length, b.list().length]).to.deep.equal([0, 3]);
    for (const { id } of made) {
      const { operations } = await world.demo.operation.list({ instanceId: id });
      expect(operations.at(-1)).to.include({ kind: "move", state: "done" });
    }
    await eventually(async () => (await world.store.instances.onHost("a")).length === 0);
    expect(machineFilesOf(a)).to.have.length(0);
    expect((await world.admin.doctor.examine({})).findings).to.deep.equal([]);
    expect((await world.admin.host.remove("a", {})).host.id).to.equal("a");
    // The agent of the removed host lives: its next heartbeat is unknown, and it registers anew, with the
    // host lease it has.
    await eventually(async () => (await world.admin.host.list({})).hosts.some(({ id }) => id === "a"));
    const { host } = await world.admin.host.get("a", {});
    expect(host).to.deep.include({ enabled: true, draining: null, instances: 0 });
  });

  it("a drain hands the disk on shared storage over, and leaves who has its own where it is", async () => {
    await world.admin.image.register({ name: "disk", disk: { path: "/disk", format: "raw" } });
    const storage = new FakeStorage("s1");
    const a = await addNode("a", storage);
    const { id } = await create("db", { image: "disk" });
    expect(a.write(id)).to.equal(true);
    const [leaseEpoch = 0] = storage.epochs(id);
    const written = storage.find(id, leaseEpoch);
    await addNode("b");
    await world.admin.host.drain("a", { reason: "a new disk" });
    await eventually(async () => (await world.admin.host.get("a", {})).drain?.staying === 1);
    expect(await runsOn(id, "a")).to.equal(true);
    const c = await addNode("c", storage);
    await eventually(() => runsOn(id, "c"));
    expect(storage.epochs(id)).to.deep.equal([leaseEpoch + 1]);
    expect(storage.find(id, leaseEpoch + 1)).to.equal(written);
    expect([a.write(id), c.write(id), written?.writes]).to.deep.equal([false, true, 2]);
  });

  it("a host that is fenced while it lives halts its guest, and comes back under a new lease", async () => {
    const a = await addNode("a");
    const { id } = await create("web");
    const waits = await create("db", { recovery: { policy: "wait" } });
    const b = await addNode("b");
    await world.admin.host.fence("a", { confirm: "host-a", reason: "A mistake.", force: true });
    await eventually(() => runsOn(id, "b"));
    await eventually(async () => (await world.admin.host.get("a", {})).host.lease?.leaseEpoch === 2);
    // Instances with the policy `wait` come back with their host; those that went elsewhere do not.
    await eventually(() => runsOn(waits.id, "a"));
    expect(a.list().map(({ instanceId }) => instanceId)).to.deep.equal([waits.id]);
    expect(b.list().map(({ instanceId }) => instanceId)).to.deep.equal([id]);
    expect((await world.admin.doctor.examine({})).findings).to.deep.equal([]);
  });
});
