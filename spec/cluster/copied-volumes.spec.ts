/** Volumes that are made from other volumes, as their clients see it. */
import { expect } from "chai";
import { volume } from "../../protocol/volume.ts";
import { volumeCopy } from "../../protocol/volume-copy.ts";
import { refused, until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

const gib = 1024 ** 3;

describe("copies of volumes", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  let host: Awaited<ReturnType<(typeof world)["host"]>>;
  let source = "";
  beforeEach(async () => {
    world = await controllerWorld();
    host = await world.host("a", { storageId: "s", diskGib: 20 });
    source = (await world.demo.volume.create({ name: "data", sizeGib: 3 })).volume.id;
    const had = { resource: volume, patched: source, whereHas: { epoch: 0 }, set: { epoch: 4, made: true } };
    await world.store.commit({ rows: [had] });
  });
  afterEach(() => world.stop());

  const copy = (more: object = {}) =>
    world.demo.volume.create({ name: "copy", sourceVolume: "data", ...more });
  const volumeOf = async (id: string) => (await world.demo.volume.get(id, {})).volume;
  const becomes = (id: string, status: string) =>
    until(
      () => volumeOf(id),
      (one) => one.status === status,
    );
  const reasonOf = async (promise: Promise<unknown>) => (await refused(promise)).reason;

  it("are made by a host that sees both, and until then nobody has either", async () => {
    host.copies = false;
    const { volume: made } = await copy({ sizeGib: 5 });
    expect(made).to.include({ status: "copying", sizeGib: 5, made: false, storageId: "s", epoch: 1 });
    expect(await volumeOf(source)).to.include({ status: "copying", epoch: 5, instanceId: made.id });
    await until(
      async () => host.copied,
      ({ length }) => length > 0,
    );
    expect(host.copied[0]).to.deep.equal({
      source: { volumeId: source, epoch: 5 },
      copy: { volumeId: made.id, epoch: 1 },
      sizeBytes: 5 * gib,
    });
    const { message, reason } = await refused(world.demo.volume.delete(source, {}));
    expect([reason, message.includes(made.id)]).to.deep.equal(["inUse", true]);
    for (const id of [source, made.id])
      expect(await reasonOf(world.demo.volume.extend(id, { sizeGib: 6 }))).to.equal("inUse");
    expect(await reasonOf(copy())).to.equal("inUse");
    host.copies = true;
    expect(await becomes(made.id, "available")).to.include({ made: true, instanceId: null, epoch: 1 });
    expect(await volumeOf(source)).to.include({ status: "available", instanceId: null });
    expect(await world.store.rows.count(volumeCopy, {})).to.equal(0);
    expect((await world.store.hosts.storageTotals())[0]?.diskGibClaimed).to.equal(8);
    await world.demo.volume.delete(source, {});
  });

  it("are given up when they are deleted, whatever hosts say, and free what they are made from", async () => {
    host.copies = false;
    const { volume: made } = await copy();
    expect(made.sizeGib).to.equal(3);
    await world.demo.volume.delete(made.id, {});
    expect(await volumeOf(source)).to.include({ status: "available", instanceId: null, epoch: 5 });
    expect(await world.store.rows.count(volumeCopy, {})).to.equal(0);
    host.copies = true;
    expect(await becomes((await copy()).volume.id, "available")).to.include({ made: true });
  });

  it("are as new as their source, when that has no file yet", async () => {
    await world.demo.volume.create({ name: "unmade", sizeGib: 2 });
    const { volume: made } = await copy({ sourceVolume: "unmade" });
    expect(made).to.include({ status: "available", sizeGib: 2, epoch: 0, instanceId: null });
    expect(host.copied).to.deep.equal([]);
  });

  it("are refused of one that a guest may have written to, as long as nobody has said that it is made", async () => {
    const { volume: unsure } = await world.demo.volume.create({ name: "unsure", sizeGib: 2 });
    const had = { resource: volume, patched: unsure.id, whereHas: { epoch: 0 }, set: { epoch: 1 } };
    await world.store.commit({ rows: [had] });
    expect(await reasonOf(copy({ sourceVolume: "unsure" }))).to.equal("notCopyable");
  });

  it("are refused of what somebody has, of what is larger, and of what is another project's", async () => {
    expect(await reasonOf(copy({ sizeGib: 2 }))).to.equal("schemaMismatch");
    expect(await reasonOf(copy({ image: "tiny" }))).to.equal("schemaMismatch");
    expect(await reasonOf(copy({ storage: "s" }))).to.equal("schemaMismatch");
    const theirs = world.other.volume.create({ name: "copy", sourceVolume: source });
    expect(await reasonOf(theirs)).to.equal("notFound");
    const had = { resource: volume, patched: source, whereHas: {}, set: { instanceId: "vm" } };
    await world.store.commit({ rows: [had] });
    const { reason, message } = await refused(copy());
    expect([reason, message]).to.deep.equal([
      "inUse",
      "The volume data is attached to the instance vm: detach it before it is copied.",
    ]);
  });
});
