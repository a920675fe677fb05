/**
 * Uploads of images through two controllers, each with uploads of its own: whoever is asked passes on what
 * another one has, what was refused is told and completed anew, and a controller that died between two steps
 * puts them right.
 */
import { createHash } from "node:crypto";
import { expect } from "chai";
import { UploadDesk } from "../../actors/control/catalog/uploads/desk.ts";
import { SilentHolders } from "../../actors/control/catalog/uploads/sweeper.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { image as imageResource } from "../../protocol/image.ts";
import { storageLimits } from "../../protocol/limits/storage.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { refused, until } from "../support/asking.ts";
import { controllerWorld, silentLog } from "../support/controller-world.ts";
import { type MemoryImageDoor, memoryImageDoor, ticketIn } from "../support/memory-image-door.ts";
import { MemoryImageFiles } from "../support/memory-image-files.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const content = Buffer.alloc(1_000, "no header of any format ");
const sha256 = createHash("sha256").update(content).digest("hex");
const half = content.length / 2;

describe("uploads of images", () => {
  let world: World;
  let files: MemoryImageFiles;
  let doors: readonly MemoryImageDoor[];
  beforeEach(async () => {
    files = new MemoryImageFiles(systemClock);
    const contents = new Map<string, Buffer>();
    doors = ["one", "two"].map((server) => memoryImageDoor(systemClock, files, { server, contents }));
    world = await controllerWorld({ controllers: 2, imageFiles: files, imageDoors: doors, catalog: false });
  });
  afterEach(() => world.stop());

  const reasonOf = async (asked: Promise<unknown>) => (await refused(asked)).reason;
  const begun = async (name = "mine", sizeBytes = content.length) => {
    const { image } = await world.demo.image.create({ name });
    const { upload } = await world.demo.image.upload(image.id, { sizeBytes });
    return { id: image.id, upload };
  };
  const write = (id: string, offset: number, piece: Buffer) =>
    world.demo.image.write(id, { offset, data: piece.toString("base64") });
  const imageOf = async (id: string) => (await world.demo.image.get(id, {})).image;
  const ended = (id: string) =>
    until(
      () => imageOf(id),
      ({ state }) => state !== "importing",
    );
  const doorOf = (server: string | null | undefined) => {
    const found = doors.find((one) => one.server === server);
    if (found === undefined) throw new Error(`Nobody is ${server}.`);
    return found;
  };
  const restarted = (door: MemoryImageDoor) => {
    const { store } = world;
    const commit = store.commit.bind(store);
    return new UploadDesk({ store, commit, clock: systemClock, door, files, log: silentLog });
  };

  it("are sent in pieces to the controller that has them, whoever is asked, and are fetched from both", async () => {
    const { id, upload } = await begun();
    expect(upload).to.include({ uploadId: id, nextOffset: 0 });
    const { holder } = await imageOf(id);
    expect(upload.url).to.equal(`memory:${holder}/v1/uploads/${id}`);
    expect(ticketIn(upload.ticket)).to.include({ server: holder, verb: "send", of: id, who: "demo" });
    // Twice each: the memory bus gives requests to the controllers by turns.
    for (const offset of [0, 0, half, half]) {
      const { nextOffset } = await write(id, offset, content.subarray(offset, offset + half));
      expect(nextOffset).to.be.at.least(offset + half);
      const again = await world.demo.image.upload(id, { sizeBytes: content.length });
      expect(again.upload).to.include({ url: upload.url, nextOffset });
    }
    for (let time = 0; time < 2; time += 1)
      await world.demo.image.complete(id, { format: "raw", sizeBytes: content.length, sha256 });
    const image = await ended(id);
    expect(image).to.deep.include({ state: "active", sizeBytes: content.length, refusal: null, holder });
    expect(image.disk).to.deep.include({ sha256, sizeBytes: content.length, format: "raw" });
    expect(image.checksums).to.include({ sha256 }).and.to.have.keys("sha256", "sha512", "md5");
    for (let time = 0; time < 2; time += 1) {
      const got = await world.demo.image.ticket(id, {});
      expect(got).to.include({ sha256, sizeBytes: content.length });
      expect(ticketIn(got.download.ticket)).to.include({ verb: "fetch", of: sha256 });
    }
    await until(
      async () => (await Promise.all(doors.map((door) => door.uploads.list()))).flat(),
      (left) => left.length === 0,
    );
    expect((await files.list()).holds).to.deep.equal([]);
    expect(await reasonOf(world.demo.image.upload(id, { sizeBytes: 1 }))).to.equal("imageNotQueued");
  });

  it("of an instance's disk come from its host, and from no client that sends something else", async () => {
    const { image } = await world.demo.image.create({ name: "of-vm" });
    const from = { instanceId: "i", hostId: "h", ownerEpoch: 1, untilMs: systemClock.nowMs() + 60_000 };
    await restarted(doorOf("one")).upload(image.id, content.length, from);
    expect(await reasonOf(world.demo.image.upload(image.id, { sizeBytes: 1 }))).to.equal("imageNotQueued");
    expect(await reasonOf(write(image.id, 0, content))).to.equal("imageNotQueued");
    const said = { format: "raw", sizeBytes: content.length } as const;
    expect(await reasonOf(world.demo.image.complete(image.id, said))).to.equal("imageNotQueued");
    expect(await imageOf(image.id)).to.include({ state: "saving", sizeBytes: content.length });
  });

  it("that are being verified are completed again as what they are, and as nothing else", async () => {
    const { id } = await begun();
    await write(id, 0, content);
    const { uploads } = doorOf((await imageOf(id)).holder);
    const { promise: free, resolve } = Promise.withResolvers<void>();
    const seal = uploads.seal.bind(uploads);
    uploads.seal = async (...asked) => {
      await free;
      return seal(...asked);
    };
    const said = { format: "raw", sizeBytes: content.length, sha256 } as const;
    for (let time = 0; time < 2; time += 1) await world.demo.image.complete(id, said);
    const other = world.demo.image.complete(id, { ...said, sha256: "0".repeat(64) });
    expect(await reasonOf(other)).to.equal("uploadSealed");
    resolve();
    expect(await ended(id)).to.include({ state: "active" });
  });

  it("are told why they were refused, and completed as something else without being sent again", async () => {
    const { id } = await begun();
    await write(id, 0, content);
    await world.demo.image.complete(id, { format: "raw", sha256: "0".repeat(64) });
    const { refusal, state } = await ended(id);
    expect([state, refusal?.reason]).to.deep.equal(["queued", "checksumMismatch"]);
    await world.demo.image.complete(id, { format: "qcow2" });
    expect((await ended(id)).refusal?.reason).to.equal("unusableImage");
    expect((await world.demo.image.upload(id, { sizeBytes: content.length })).upload.nextOffset).to.equal(
      1_000,
    );
    await world.demo.image.complete(id, { format: "raw", sha256 });
    expect(await ended(id)).to.deep.include({ state: "active", refusal: null });
  });

  it("are refused before a byte is taken when the project's images may not take as much", async () => {
    await world.admin.quota.set("demo", { imageBytes: 1_500 });
    await begun("first");
    const { image } = await world.demo.image.create({ name: "second" });
    const denied = await refused(world.demo.image.upload(image.id, { sizeBytes: 501 }));
    expect(denied.reason).to.equal("quotaExceeded");
    expect(denied.message).to.include("1500 bytes").and.to.include("501 more");
    expect((await Promise.all(doors.map((door) => door.uploads.list()))).flat()).to.have.length(1);
    await world.demo.image.upload(image.id, { sizeBytes: 500 });
    expect((await world.demo.quota.get({})).quota.used.imageBytes).to.equal(1_500);
    expect(await reasonOf(write(image.id, 0, content))).to.equal("uploadTooLarge");
    await world.demo.image.delete(image.id, {});
    expect((await world.demo.quota.get({})).quota.used.imageBytes).to.equal(1_000);
  });

  it("are the owner's alone, and nobody fetches what it may not use", async () => {
    const { id } = await begun();
    const { other, admin } = world;
    expect(await reasonOf(other.image.upload(id, { sizeBytes: 5 }))).to.equal("imageNotFound");
    expect(await reasonOf(other.image.write(id, { offset: 0, data: "" }))).to.equal("imageNotFound");
    expect(await reasonOf(other.image.complete(id, { format: "raw" }))).to.equal("imageNotFound");
    await write(id, 0, content);
    expect(await reasonOf(world.demo.image.ticket(id, {}))).to.equal("imageNotActive");
    await world.demo.image.complete(id, { format: "raw" });
    await ended(id);
    expect(await reasonOf(other.image.ticket(id, {}))).to.equal("imageNotFound");
    await world.demo.image.update(id, { visibility: "community" });
    expect((await other.image.ticket(id, {})).sha256).to.equal(sha256);
    expect(await reasonOf(other.image.complete(id, { format: "raw" }))).to.equal("adminOnly");
    await world.demo.image.deactivate(id, {});
    expect(await reasonOf(world.demo.image.ticket(id, {}))).to.equal("imageNotActive");
    expect((await admin.image.ticket(id, {})).sha256).to.equal(sha256);
    expect(await reasonOf(admin.image.ticket(id, { part: "kernel" }))).to.equal("notFound");
  });

  it("of a controller that died while it verified them are taken, or queued again with the reason", async () => {
    const { store } = world;
    const died = async (name: string) => {
      const { id } = await begun(name);
      await write(id, 0, content);
      const row = await imageOf(id);
      const [found] = await store.rows.called(imageResource, id);
      if (found === undefined) throw new Error("It is gone.");
      const importing = { ...found, state: "importing", version: found.version + 1 } as const;
      await store.commit({ rows: [{ resource: imageResource, changed: importing }] });
      return { id, door: doorOf(row.holder) };
    };
    const sealed = await died("sealed");
    await sealed.door.uploads.seal(sealed.id, { format: "raw" });
    const cut = await died("cut");
    for (const door of doors) await restarted(door).settle();
    expect(await imageOf(sealed.id)).to.deep.include({ state: "active", refusal: null });
    expect(await sealed.door.uploads.status(sealed.id)).to.equal(null);
    const { state, refusal } = await imageOf(cut.id);
    expect([state, refusal?.reason]).to.deep.equal(["queued", "uploadInterrupted"]);
    await world.demo.image.complete(cut.id, { format: "raw" });
    expect((await ended(cut.id)).state).to.equal("active");
    // One file for two images of the same bytes.
    expect((await files.list()).files).to.have.length(1);
  });

  it("go with their image, and an image whose bytes are gone waits for new ones", async () => {
    const [gone, lost] = [await begun("gone"), await begun("lost")];
    const of = async (id: string) => doorOf((await imageOf(id)).holder);
    const [doorOfGone, doorOfLost] = [await of(gone.id), await of(lost.id)];
    await world.demo.image.delete(gone.id, {});
    await doorOfLost.uploads.discard(lost.id);
    for (const door of doors) await restarted(door).settle();
    expect(await doorOfGone.uploads.status(gone.id)).to.equal(null);
    expect(await imageOf(lost.id)).to.deep.include({ state: "queued", holder: null, sizeBytes: null });
    expect((await world.demo.image.upload(lost.id, { sizeBytes: 5 })).upload.nextOffset).to.equal(0);
  });

  it("of a controller that does not answer are said to be there, and given up after an hour", async () => {
    const { id } = await begun();
    const { holder } = await imageOf(id);
    await world.controllers[doors.findIndex(({ server }) => server === holder)]?.stop();
    const denied = await refused(world.demo.image.upload(id, { sizeBytes: 5 }, { timeoutMs: 300 }));
    expect(denied.reason).to.equal("imageElsewhere");
    expect(denied.message).to.include(String(holder));
    let nowMs = 0;
    const clock = { ...systemClock, nowMs: () => 1, monotonicMs: () => nowMs };
    const silent = async () => {
      throw new StatusError("noResponders", "Nobody is there.");
    };
    const nobody = { upload: silent, write: silent, complete: silent, fetch: silent, here: silent };
    const holders = { server: "three", own: nobody, other: () => nobody };
    const { store } = world;
    const log = { ...silentLog, warn: () => undefined };
    const looks = new SilentHolders({ store, commit: store.commit.bind(store), clock, holders });
    for (const atMs of [0, storageLimits.uploadKeptMs - 1]) {
      nowMs = atMs;
      await looks.giveUp(log);
      expect((await imageOf(id)).state).to.equal("saving");
    }
    nowMs = storageLimits.uploadKeptMs;
    await looks.giveUp(log);
    expect(await imageOf(id)).to.deep.include({ state: "queued", holder: null });
    expect((await world.demo.image.upload(id, { sizeBytes: 5 })).upload.nextOffset).to.equal(0);
  });
});
