/** Instances that are made with volumes, as their clients see it: one commit for all rows, or none. */
import { expect } from "chai";
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import { image } from "../../protocol/image.ts";
import { refused, until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const shapes = {
  ...{ versions: [1], machineType: "pc-q35-7.2", aliases: [], machineTypes: [] },
  ...{ cpuModel: "qemu64", cpuModels: [] },
};
const drivers: HostDrivers = {
  ...{ hypervisor: "fake", disks: "fake", network: null, volumes: "fake", shapes: shapes as never },
  abilities: {
    ...{ networks: [], volumes: ["file"], hotPlug: true, liveMigration: false, console: true, save: false },
  },
};
const wait = true;
const gib = 1024 ** 3;
const file = { sha256: "a".repeat(64), sizeBytes: 10, format: "raw" } as const;

describe("instances made with volumes", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
    const [kernel] = await world.store.rows.list(image, { limit: 1 });
    if (kernel === undefined) throw new Error("The world has an image.");
    const properties = { ...kernel.properties, diskGibMin: 3 };
    const disk = { ...file, virtualSizeBytes: gib + 1 };
    const row = { ...kernel, id: "disk-image", name: "disk", properties, disk };
    await world.store.commit({ rows: [{ resource: image, made: row }] });
  });
  afterEach(() => world.stop());

  const create = (asked: object) =>
    world.demo.instance.create({ name: "vm", flavor: "tiny", wait, ...asked });
  const volumesNow = async () =>
    (await world.demo.volume.list({})).volumes.map(({ id, name, sizeGib, instanceId, status }) => ({
      ...{ id, name, sizeGib, instanceId, status },
    }));

  it("have their root disk on a new one, which the commit of the instance makes, and no other", async () => {
    const host = await world.host("a", { drivers, storageId: "s", diskGib: 20 });
    const { instance } = await create({
      volumes: [{ sizeGib: 2 }, { bootIndex: 0, image: "disk", sizeGib: 5, deleteOnTermination: true }],
    });
    expect(instance).to.deep.include({ state: "running", image: { id: "disk-image", name: "disk" } });
    const [root, data] = instance.volumes ?? [];
    expect(instance.volumes).to.deep.equal([
      { volumeId: root?.volumeId, place: 0, sizeGib: 5, deleteOnTermination: true, bootIndex: 0 },
      { volumeId: data?.volumeId, place: 1, sizeGib: 2, deleteOnTermination: false },
    ]);
    const { image: started, diskGib, volumes, takesOverDisk } = host.ensured.at(-1)?.spec ?? {};
    expect([started?.disk, started?.kernel?.sha256.length, diskGib, takesOverDisk]).to.deep.equal([
      null,
      64,
      0,
      false,
    ]);
    const from = { kind: "image", image: { id: "disk-image", disk: { ...file, virtualSizeBytes: gib + 1 } } };
    const on = { epoch: 1, storageId: "s", made: false };
    expect(volumes).to.deep.equal([
      { ...on, volumeId: root?.volumeId, place: 0, sizeBytes: 5 * gib, bootIndex: 0, source: from },
      { ...on, volumeId: data?.volumeId, place: 1, sizeBytes: 2 * gib, source: null },
    ]);
    expect((await world.store.hosts.storageTotals())[0]?.diskGibClaimed).to.equal(7);
    expect((await world.demo.quota.get({})).quota.used).to.include({ volumes: 2, volumeGib: 7 });
    expect(await volumesNow()).to.deep.equal([
      { id: root?.volumeId, name: "vm", sizeGib: 5, instanceId: instance.id, status: "in-use" },
      { id: data?.volumeId, name: "vm-1", sizeGib: 2, instanceId: instance.id, status: "in-use" },
    ]);
    const detached = world.demo.instance.volumeDetach(instance.id, { volume: root?.volumeId ?? "" });
    expect((await refused(detached)).reason).to.equal("rootVolume");
    await world.demo.instance.delete(instance.id, { wait });
    await until(volumesNow, (rows) => rows.length === 1 && rows[0]?.status === "available");
    expect((await volumesNow())[0]?.id).to.equal(data?.volumeId);
  });

  it("are started on one that is there, by the image that it was made of", async () => {
    const host = await world.host("a", { drivers, storageId: "s", diskGib: 20 });
    const { volume } = await world.demo.volume.create({ name: "system", image: "disk", sizeGib: 4 });
    const { instance } = await create({ volumes: [{ volume: "system", bootIndex: 0 }] });
    expect(instance.image.id).to.equal("disk-image");
    expect(host.ensured.at(-1)?.spec.volumes?.[0]).to.include({
      volumeId: volume.id,
      epoch: 1,
      bootIndex: 0,
    });
    expect(await volumesNow()).to.deep.equal([
      { id: volume.id, name: "system", sizeGib: 4, instanceId: instance.id, status: "in-use" },
    ]);
    expect((await refused(create({ volumes: [{ volume: "system" }], image: "tiny" }))).reason).to.equal(
      "inUse",
    );
    await world.demo.instance.delete(instance.id, { wait });
    await until(volumesNow, ([row]) => row?.status === "available");
    const again = await create({ volumes: [{ volume: "system", bootIndex: 0 }], image: "tiny" });
    expect(host.ensured.at(-1)?.spec.volumes?.[0]).to.include({ volumeId: volume.id, epoch: 2, made: true });
    expect(again.instance.image.name).to.equal("tiny");
  });

  it("have one volume, however many creates ask for it at once; the others make nothing", async () => {
    await world.host("a", { drivers, storageId: "s", diskGib: 20 });
    await world.demo.volume.create({ name: "system", sizeGib: 4 });
    const asked = ["one", "two", "three"].map((name) =>
      create({ name, image: "tiny", volumes: [{ volume: "system", bootIndex: 0 }, { sizeGib: 1 }] }),
    );
    const answers = await Promise.allSettled(asked);
    expect(answers.filter(({ status }) => status === "fulfilled")).to.have.length(1);
    for (const one of answers)
      if (one.status === "rejected") expect(one.reason).to.have.property("reason", "inUse");
    expect(await volumesNow()).to.have.length(2);
    expect((await world.demo.instance.list({})).instances).to.have.length(1);
  });

  it("are as many as there is room for, each with volumes of its own", async () => {
    await world.host("a", { drivers, storageId: "s", diskGib: 10 });
    const volumes = [{ bootIndex: 0, image: "disk", sizeGib: 4 }];
    const { placed, rest } = await world.demo.instance.explainCreate({
      ...{ name: "vm", flavor: "tiny", volumes, count: 3, atLeast: 1 },
    });
    expect([placed?.[0]?.instances, rest?.reason]).to.deep.equal([2, "noValidHost"]);
    expect((await refused(create({ volumes, count: 3 }))).reason).to.equal("noValidHost");
    const { all } = await create({ volumes, count: 3, atLeast: 1 });
    expect(all).to.have.length(2);
    expect((await volumesNow()).map(({ name }) => name)).to.deep.equal(["vm-1", "vm-2"]);
    await world.admin.quota.set("demo", { volumeGib: 9 });
    const beyond = await refused(create({ volumes: [{ sizeGib: 2 }], image: "tiny" }));
    expect(beyond.reason).to.equal("quotaExceeded");
    expect(beyond.message).to.contain("9 GiB of volumes");
  });

  it("go to a host that sees the volume, on whose own disk a new one is where none is shared", async () => {
    await world.host("a", { drivers, storageId: "s", diskGib: 20 });
    await world.host("b", { drivers, diskGib: 100 });
    await world.demo.volume.create({ name: "system", sizeGib: 4, storage: "s" });
    const there = await create({ image: "tiny", volumes: [{ volume: "system", bootIndex: 0 }] });
    expect(there.instance.hostName).to.equal("host-a");
    const { instance } = await create({ image: "tiny", volumes: [{ sizeGib: 30, bootIndex: 0 }] });
    expect(instance.hostName).to.equal("host-b");
    const [, own] = (await world.demo.volume.list({})).volumes;
    expect(own).to.include({ storageId: null, hostId: instance.hostId });
    expect((await world.store.hosts.get(instance.hostId ?? ""))?.diskGibClaimed).to.equal(30);
  });

  it("are refused what contradicts itself, or is too small", async () => {
    await world.host("a", { drivers });
    const { volume } = await world.demo.volume.create({ name: "system", sizeGib: 2 });
    const { volume: theirs } = await world.other.volume.create({ name: "theirs", sizeGib: 1 });
    const reasonOf = async (asked: object) => {
      const { reason, message } = await refused(create(asked));
      return `${reason}: ${message}`;
    };
    const image = "tiny";
    expect(await reasonOf({ volumes: [{ volume: "system", sizeGib: 3 }], image })).to.contain("neither");
    expect(await reasonOf({ volumes: [{}], image })).to.contain("neither");
    expect(await reasonOf({ volumes: [{ volume: "system" }], image, count: 2 })).to.contain("only one of 2");
    const twice = [{ volume: "system" }, { volume: volume.id }];
    expect(await reasonOf({ volumes: twice, image })).to.contain("names a volume twice");
    const order = [1, 1].map((bootIndex) => ({ sizeGib: 1, bootIndex }));
    expect(await reasonOf({ volumes: order, image })).to.contain("a bootIndex twice");
    expect(await reasonOf({ volumes: [{ volume: theirs.id }], image })).to.contain("notFound");
    expect(await reasonOf({})).to.contain("is missing");
    expect(await reasonOf({ volumes: [{ volume: "system", bootIndex: 0 }] })).to.contain("made of none");
    expect(await reasonOf({ volumes: [{ volume: "system", bootIndex: 0 }], image: "disk" })).to.contain(
      "needs 3 GiB",
    );
    expect(await reasonOf({ volumes: [{ image: "disk", sizeGib: 1, bootIndex: 0 }] })).to.contain(
      "less than",
    );
    expect(await volumesNow()).to.have.length(1);
  });
});
