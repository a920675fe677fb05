/** Volumes from outside: what projects make, change and delete, before anything is attached. */
import { expect } from "chai";
import { refused } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

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
    const [kernel] = await store.rows.list((await import("../../protocol/image.ts")).image, { limit: 1 });
    if (kernel === undefined) throw new Error("The world has an image.");
    const { image } = await import("../../protocol/image.ts");
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
