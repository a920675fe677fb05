/** Volumes from outside: what projects make, change and delete, before anything is attached. */
import { expect } from "chai";
import { sweepVolumes } from "../../actors/control/catalog/volumes/volume-sweeper.ts";
import { image } from "../../protocol/image.ts";
import { deletedVolume, volume } from "../../protocol/volume.ts";
import { refused } from "../support/asking.ts";
import { controllerWorld, silentLog } from "../support/controller-world.ts";
import { quietRound } from "../support/quiet-round.ts";

describe("volumes", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  beforeEach(async () => {
    world = await controllerWorld();
  });
  afterEach(() => world.stop());

  const reasonOf = async (promise: Promise<unknown>) => (await refused(promise)).reason;

  it("are empty or from an image, which stays until a host has made them", async () => {
    const { demo, admin, store } = world;
    const { volume: empty } = await demo.volume.create({ name: "data", sizeGib: 3 });
    expect(empty).to.deep.include({ sizeGib: 3, source: null, made: false, epoch: 0, status: "available" });
    const from = await demo.volume.create({ name: "root", image: "disk" }).catch((error) => error);
    expect(from).to.have.property("reason", "unknownImage");
    const disk = {
      sha256: "a".repeat(64),
      sizeBytes: 10,
      format: "raw",
      virtualSizeBytes: 2 ** 31 + 1,
    } as const;
    const [kernel] = await store.rows.list(image, { limit: 1 });
    if (kernel === undefined) throw new Error("The world has an image.");
    await store.commit({
      rows: [{ resource: image, made: { ...kernel, id: "disk-image", name: "disk", disk } as typeof kernel }],
    });
    expect(await reasonOf(demo.volume.create({ name: "small", image: "disk", sizeGib: 2 }))).to.equal(
      "schemaMismatch",
    );
    const { volume: root } = await demo.volume.create({ name: "root", image: "disk" });
    expect(root.sizeGib).to.equal(3);
    expect(root.source?.image).to.deep.equal({ id: "disk-image", name: "disk", disk });
    expect((await refused(admin.image.delete("disk-image", {}))).reason).to.equal("inUse");
    await demo.volume.delete(root.id, {});
    await admin.image.delete("disk-image", {});
    expect(await reasonOf(demo.volume.create({ name: "nothing" }))).to.equal("schemaMismatch");
  });

  it("are on the storage with the most room, unless another is named, or the host's own disk", async () => {
    const { demo } = world;
    await world.host("a", { storageId: "small", diskGib: 10 });
    await world.host("b", { storageId: "large", diskGib: 20 });
    const on = async (asked: object) =>
      (await demo.volume.create({ name: "v", sizeGib: 15, ...asked })).volume.storageId;
    expect(await on({})).to.equal("large");
    expect(await on({ local: true })).to.equal(null);
    expect(await reasonOf(on({}))).to.equal("storageFull");
    expect(await reasonOf(on({ storage: "none" }))).to.equal("notFound");
    expect(await on({ storage: "small", sizeGib: 10 })).to.equal("small");
    const [first] = (await demo.volume.list({})).volumes;
    await demo.volume.delete(first?.id ?? "", {});
    expect(await on({})).to.equal("large");
  });

  it("leave their room taken until a host that sees their storage has removed the file", async () => {
    const { demo, store } = world;
    const host = await world.host("a", { storageId: "s", diskGib: 20 });
    const claimed = async () => (await store.hosts.storageTotals())[0]?.diskGibClaimed;
    const [unused, used] = await Promise.all(
      ["unused", "used"].map(async (name) => (await demo.volume.create({ name, sizeGib: 2 })).volume.id),
    );
    if (unused === undefined || used === undefined) throw new Error("Two were made.");
    const had = { resource: volume, patched: used, whereHas: { epoch: 0 }, set: { epoch: 3 } };
    await store.commit({ rows: [had] });
    expect(await claimed()).to.equal(4);
    await demo.volume.delete(unused, {});
    await demo.volume.delete(used, {});
    expect(await claimed(), "only what may have a file").to.equal(2);
    const hosts = await store.hosts.list({ limit: 10 });
    host.volumes = [{ volumeId: used, epoch: 3 }];
    const options = { store, commit: store.commit.bind(store), agent: () => host.storage };
    const sweep = (alive: boolean) =>
      sweepVolumes(
        { ...options, directory: { all: () => hosts, alive: () => alive } },
        { log: silentLog, ...quietRound() },
      );
    await sweep(false);
    expect(await claimed(), "while nobody is heard").to.equal(2);
    await sweep(true);
    expect([await claimed(), host.volumes]).to.deep.equal([0, []]);
    expect(await store.rows.count(deletedVolume, {})).to.equal(0);
  });

  it("grow and never shrink, within what the project may have", async () => {
    const { demo, admin } = world;
    const { volume } = await demo.volume.create({ name: "v", sizeGib: 2 });
    await admin.quota.set("demo", { volumeGib: 5 });
    expect((await demo.volume.extend("v", { sizeGib: 4 })).volume.sizeGib).to.equal(4);
    expect(await reasonOf(demo.volume.extend("v", { sizeGib: 3 }))).to.equal("schemaMismatch");
    const full = await refused(demo.volume.extend("v", { sizeGib: 6 }));
    expect(full.reason).to.equal("quotaExceeded");
    expect(full.message).to.equal("The project may have 5 GiB of volumes, and 4 GiB are there.");
    expect((await demo.quota.get({})).quota.used).to.include({ volumes: 1, volumeGib: 4 });
    await demo.volume.set("v", { name: "w", description: "mine" });
    expect((await demo.volume.get(volume.id, {})).volume).to.deep.include({ name: "w", description: "mine" });
    expect(await reasonOf(world.other.volume.get(volume.id, {}))).to.equal("notFound");
  });
});
