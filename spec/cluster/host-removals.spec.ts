/** Removing a host on which a guest may still run, whatever the host lease: its claim stays (I2, I9). */
import { expect } from "chai";
import type { FenceProof } from "../../protocol/fence.ts";
import { errorBodyOf } from "../../protocol/wire/denials.ts";
import { refused } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";
import { plugged } from "../support/store-rows.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const silence = { kind: "lease", leaseEpoch: 1, silentMs: 12_000, guardMs: 2_000, observedBy: "c" } as const;
const signed = { kind: "operator", by: "admin", reason: "It burnt.", confirmedName: "host-a" } as const;

/** A build with a disk of its own on the host a, which was silent until the build had failed. */
async function leftBuild(world: World): Promise<string> {
  await world.admin.image.register({ name: "disk", disk: { path: "/d", format: "qcow2" } });
  await world.admin.flavor.create({ name: "small", vcpus: 1, memoryMib: 128, diskGib: 1 });
  const host = await world.host("a", { outcome: () => ({ state: "preparing" }) });
  const { instance } = await world.demo.instance.create({ name: "web", flavor: "small", image: "disk" });
  host.silent = true;
  const loaded = await world.store.instances.load(instance.id);
  if (loaded?.operation === undefined) throw new Error("It is not there.");
  const { instance: before, operation } = loaded;
  const failure = errorBodyOf({ reason: "hostUnreachable", message: "It was silent." });
  const version = before.version + 1;
  const row = { ...before, version, hostId: null, failure, operationId: null, state: "failed" } as const;
  const ended = { ...operation, state: "failed", endedAtMs: 1, error: failure } as const;
  const turn = { instances: [{ expectedVersion: before.version, row }], operations: [ended] };
  expect((await world.store.commit(turn)).kind).to.equal("committed");
  return instance.id;
}

describe("the removal of a fenced host", () => {
  let world: World;
  let id: string;
  beforeEach(async () => {
    world = await controllerWorld();
    id = await leftBuild(world);
  });
  afterEach(() => world.stop());

  const fenced = async (proof: FenceProof) => {
    const fence = { hostId: "a", leaseEpoch: 1, renewals: null, proof };
    expect((await world.store.commit({ leasesFenced: [fence] })).kind).to.equal("committed");
  };

  it("is refused while a guest that has left may run there, since no lease stops it", async () => {
    await fenced({ ...silence, atMs: 1 });
    const { reason, message, details } = await refused(world.admin.host.remove("a", {}));
    expect(reason).to.equal("hostNotEmpty");
    expect(message).to.equal(
      "The host host-a still has 1 that left and may run there: its fence does not stop them.",
    );
    expect(details).to.deep.equal({ instances: [{ instanceId: id, name: "web" }], parked: 0 });
    await world.host("b");
    await world.demo.instance.start(id, {});
    expect((await world.store.instances.load(id))?.claims.map(({ hostId }) => hostId)).to.deep.equal(["a"]);
  });

  it("is refused for the addresses of one that was deleted, until somebody says that the host is off", async () => {
    const loaded = await world.store.instances.load(id);
    if (loaded === undefined) throw new Error("It is not there.");
    const { instance } = loaded;
    const parked = { desired: "deleted", state: "deleted", deletedAtMs: 1, settled: false } as const;
    const row = { ...instance, ...parked, interfaces: [plugged("p")], version: instance.version + 1 };
    const turn = { instances: [{ expectedVersion: instance.version, row }] };
    expect((await world.store.commit(turn)).kind).to.equal("committed");
    await fenced({ ...silence, atMs: 1 });
    const { reason, details } = await refused(world.admin.host.remove("a", {}));
    expect([reason, details]).to.deep.equal([
      "hostNotEmpty",
      { instances: [{ instanceId: id, name: "web" }], parked: 0 },
    ]);
    await world.admin.host.fence("a", { confirm: "host-a", reason: "It burnt.", force: true });
    expect((await world.admin.host.remove("a", {})).host.id).to.equal("a");
    expect((await world.store.instances.load(id))?.claims).to.deep.equal([]);
  });

  it("takes it along when somebody has said that the host is off", async () => {
    await fenced({ ...signed, atMs: 1 });
    expect((await world.admin.host.remove("a", {})).host.id).to.equal("a");
    expect((await world.store.instances.load(id))?.claims).to.deep.equal([]);
  });
});
