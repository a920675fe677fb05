/**
 * Volumes on a storage of a driver from outside, which two hosts share and tell controllers of: placed there,
 * attached on either host, and recovered on the other one when the first is lost.
 */
import { expect } from "chai";
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import type { VolumeStorageState } from "../../protocol/volume-storage.ts";
import { refused, until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const shapes = {
  ...{ versions: [1], machineType: "pc-q35-7.2", aliases: [], machineTypes: ["pc-q35-7.2"] },
  ...{ cpuModel: "qemu64", cpuModels: ["qemu64"] },
};
const drivers: HostDrivers = {
  ...{ hypervisor: "fake", disks: "fake", network: null, volumes: "nfs", shapes: shapes as never },
  abilities: {
    ...{ networks: [], volumes: ["file"], hotPlug: true, liveMigration: false, console: true, save: false },
  },
};
const seeing = (sizeGib: number): HostDrivers => ({
  ...{ ...drivers, volumeStorages: [{ id: "nfs-1", kind: "nfs", sizeGib }] },
});
const wait = true;
const mibOfGib = 1_024;

describe("storages of volumes that hosts tell of", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 1 });
  });
  afterEach(() => world.stop());

  const make = (name: string) =>
    world.demo.instance.create({
      name,
      flavor: "tiny",
      image: "tiny",
      wait,
      recovery: { policy: "restart" },
    });
  const volumeOf = async (id: string) => (await world.demo.volume.get(id, {})).volume;
  const state = (more: Partial<VolumeStorageState> = {}): VolumeStorageState => ({
    ...{ storageId: "nfs-1", kind: "nfs", fencing: "rename", extendsOnline: false },
    ...{ totalMib: 20 * mibOfGib, freeMib: 10 * mibOfGib, promisedMib: 0, allocatedMib: 0, ...more },
  });

  it("have room as the largest says, and their volumes are recovered where another host sees them", async () => {
    const { demo, admin, store } = world;
    const hosts = {
      a: await world.host("a", { drivers: seeing(20) }),
      b: await world.host("b", { drivers: seeing(30) }),
      blind: await world.host("blind", { drivers, vcpus: 64, memoryMib: 64_000 }),
    };
    const { volume: data } = await demo.volume.create({ name: "data", sizeGib: 25, storage: "nfs-1" });
    expect(data).to.include({ storageId: "nfs-1", hostId: null });
    const much = { name: "more", sizeGib: 6, storage: "nfs-1" };
    expect((await refused(demo.volume.create(much))).reason).to.equal("storageFull");
    const { instance } = await demo.instance.create({
      ...{ name: "vm", flavor: "tiny", image: "tiny", wait, recovery: { policy: "restart" } },
      volumes: [{ volume: "data" }],
    });
    expect(instance.hostId).to.be.oneOf(["a", "b"]);
    const [first, other] = instance.hostId === "a" ? (["a", "b"] as const) : (["b", "a"] as const);
    expect(hosts[first].ensured.at(-1)?.spec.volumes?.[0]).to.include({ storageId: "nfs-1", epoch: 1 });
    await hosts[first].lease(1);
    hosts[first].silent = true;
    const fence = { confirm: `host-${first}`, reason: "It burnt.", force: true };
    await admin.host.fence(first, fence);
    const recovered = await until(
      async () => (await demo.instance.get(instance.id, {})).instance,
      ({ hostId, state: is }) => hostId === other && is === "running",
    );
    expect(recovered.volumes?.[0]?.volumeId).to.equal(data.id);
    expect(hosts[other].ensured.at(-1)?.spec.volumes?.[0]).to.include({ storageId: "nfs-1", epoch: 2 });
    expect(hosts.blind.ensured).to.deep.equal([]);
    const total = (await store.hosts.storageTotals()).find(({ storageId }) => storageId === "nfs-1");
    expect(total, "a recovery takes no room").to.include({ diskGibClaimed: 25, diskGibCounted: 25 });
  });

  it("are attached on a host that sees them, and refused in words on one that does not", async () => {
    const { demo } = world;
    await world.host("blind", { drivers });
    const { instance } = await make("vm");
    await world.host("a", { drivers: seeing(20) });
    const { volume: data } = await demo.volume.create({ name: "data", sizeGib: 1 });
    expect(data.storageId, "the only one that hosts share").to.equal("nfs-1");
    const denied = await refused(demo.instance.volumeAttach(instance.id, { volume: "data" }));
    expect(denied).to.have.property("reason", "notPluggable");
    expect(denied.message).to.contain("does not see the storage nfs-1");
  });

  it("are not chosen for a volume of an image, nor where hosts share their disks, unless they are named", async () => {
    const { demo, admin } = world;
    await world.host("a", { drivers: seeing(20) });
    const disk = { path: "/srv/images/disk.qcow2", format: "qcow2" } as const;
    await admin.image.register({ name: "disk", disk });
    const { volume: local } = await demo.volume.create({ name: "of-image", image: "disk" });
    expect(local, "who makes it is not known to make it of an image").to.include({ storageId: null });
    const named = { name: "meant", image: "disk", storage: "nfs-1" };
    expect((await demo.volume.create(named)).volume.storageId).to.equal("nfs-1");
    await world.host("b", { drivers: seeing(20), storageId: "nas", diskGib: 10 });
    for (const asked of [{ name: "empty" }, { name: "full", image: "disk" }]) {
      const { volume } = await demo.volume.create({ ...asked, sizeGib: 2 });
      expect(volume.storageId, asked.name).to.equal("nas");
    }
  });

  it("stay where they were while they are silent, and go with a word that has them no more", async () => {
    const { demo, admin } = world;
    const host = await world.host("a", { drivers: seeing(20) });
    await host.register({ drivers, bootId: "boot-2" });
    const told = async () => (await admin.host.get("a", {})).host.drivers?.volumeStorages?.length;
    expect(await told()).to.equal(1);
    await host.register({ drivers: { ...drivers, volumeStorages: [] }, bootId: "boot-2" });
    expect(await told()).to.equal(0);
    const asked = refused(demo.volume.create({ name: "data", sizeGib: 1, storage: "nfs-1" }));
    expect((await asked).reason).to.equal("notFound");
  });

  it("take nothing new when little is free, by any host's word, and what is there goes on", async () => {
    const { demo, admin } = world;
    const host = await world.host("a", { drivers: seeing(20) });
    const { volume: data } = await demo.volume.create({ name: "data", sizeGib: 1 });
    const { instance } = await make("vm");
    host.volumeStorages = [state()];
    await host.report();
    expect((await admin.host.get("a", {})).host.volumeStorages).to.deep.equal([state()]);
    await demo.volume.extend(data.id, { sizeGib: 2 });
    host.volumeStorages = [state({ freeMib: 100 })];
    await host.report();
    const low = await refused(demo.volume.create({ name: "more", sizeGib: 1, storage: "nfs-1" }));
    expect(low).to.have.property("reason", "storageFull");
    expect(low.message).to.contain("The storage nfs-1 has 100 MiB free");
    expect((await refused(demo.volume.extend(data.id, { sizeGib: 3 }))).reason).to.equal("storageFull");
    await demo.instance.volumeAttach(instance.id, { volume: "data", wait });
    const grow = { volume: "data", sizeGib: 3 };
    expect((await refused(demo.instance.volumeExtend(instance.id, grow))).reason).to.equal("storageFull");
    host.volumeStorages = [state({ silentMs: 60_000 })];
    await host.report();
    expect((await refused(demo.instance.volumeExtend(instance.id, grow))).message).to.contain("not answered");
    host.volumeStorages = [state()];
    await host.report();
    await demo.instance.volumeExtend(instance.id, { ...grow, wait });
    expect((await volumeOf(data.id)).sizeGib).to.equal(3);
  });
});
