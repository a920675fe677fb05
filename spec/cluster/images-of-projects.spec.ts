/** Images of projects from outside: by whom an image is seen, used and changed. */
import { expect } from "chai";
import { advanceImage } from "../../actors/control/catalog/image-states.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { refused } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;
const kernel = { kernel: { path: "/kernel" } };

describe("images of projects", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
    await world.host("a", {});
  });
  afterEach(() => world.stop());

  const refusal = async (promise: Promise<unknown>) => {
    const { reason, message } = await refused(promise);
    return { reason, message };
  };
  const reasonOf = async (promise: Promise<unknown>) => (await refused(promise)).reason;
  const registered = async (visibility: "community" | "shared" | "private", name = "own") =>
    (await world.admin.image.register({ name, ...kernel, project: "demo", visibility })).image;
  const created = (as: World["demo"], image: string) =>
    as.instance.create({ name: "vm", flavor: "tiny", image });
  const idsOf = async (as: World["demo"], request: Parameters<World["demo"]["image"]["list"]>[0] = {}) =>
    (await as.image.list(request)).images.map(({ name }) => name);

  it("are private at first: to all others there is no such image, whatever they ask", async () => {
    const { id } = await registered("private");
    const { demo, other } = world;
    expect(await idsOf(demo)).to.deep.equal(["tiny", "own"]);
    expect(await idsOf(other)).to.deep.equal(["tiny"]);
    const absent = "01890000-0000-7000-8000-000000000000";
    for (const ask of [
      (key: string) => other.image.get(key, {}),
      (key: string) => other.image.delete(key, {}),
      (key: string) => other.image.update(key, { name: "mine" }),
      (key: string) => other.image.share(key, { project: "other" }),
      (key: string) => other.image.accept(key, {}),
      (key: string) => other.image.deactivate(key, {}),
      (key: string) => created(other, key),
    ]) {
      const told = await refusal(ask(id));
      const { reason, message } = await refusal(ask(absent));
      expect(told).to.deep.equal({ reason, message: message.replaceAll(absent, id) });
    }
    await created(demo, "own");
  });

  it("are used by members by their id, and listed by those that accepted", async () => {
    const { demo, other } = world;
    const { id } = await registered("private");
    const { image } = await demo.image.share(id, { project: "other" });
    expect(image).to.deep.include({
      visibility: "shared",
      members: [{ project: "other", status: "pending" }],
    });
    expect(await idsOf(other)).to.deep.equal(["tiny"]);
    expect(await idsOf(other, { memberStatus: "pending" })).to.deep.equal(["own"]);
    expect(await reasonOf(created(other, "own"))).to.equal("unknownImage");
    await created(other, id);
    const accepted = await other.image.accept(id, {});
    expect(accepted.image.memberStatus).to.equal("accepted");
    expect(accepted.image.members).to.equal(undefined);
    expect(await idsOf(other)).to.deep.equal(["tiny", "own"]);
    await created(other, "own");
    await other.image.reject(id, {});
    expect(await idsOf(other)).to.deep.equal(["tiny"]);
    expect((await demo.image.get(id, {})).image.members).to.deep.equal([
      { project: "other", status: "rejected" },
    ]);
    expect(await reasonOf(other.image.update(id, { name: "mine" }))).to.equal("adminOnly");
    expect(await reasonOf(other.image.unshare(id, { project: "other" }))).to.equal("adminOnly");
    expect(await reasonOf(demo.image.accept(id, {}))).to.equal("imageNotShared");
    await demo.image.unshare(id, { project: "other" });
    expect(await reasonOf(created(other, id))).to.equal("unknownImage");
    expect(await reasonOf(other.image.get(id, {}))).to.equal("imageNotFound");
  });

  it("of the community are found by id, and in the list of who asks for them", async () => {
    const { other } = world;
    const { id } = await registered("community");
    expect(await idsOf(other)).to.deep.equal(["tiny"]);
    expect(await idsOf(other, { visibility: "community" })).to.deep.equal(["own"]);
    expect(await reasonOf(created(other, "own"))).to.equal("unknownImage");
    await created(other, id);
    expect(await reasonOf(other.image.share(id, { project: "third" }))).to.equal("adminOnly");
    expect(await reasonOf(world.demo.image.share(id, { project: "other" }))).to.equal("imageNotShared");
  });

  it("may have one name: then it says nothing, and the refusal names the ids", async () => {
    const { demo, other } = world;
    const { id } = await registered("private", "tiny");
    const told = await refusal(created(demo, "tiny"));
    expect(told.reason).to.equal("ambiguous");
    expect(told.message).to.include(id);
    await created(demo, id);
    await created(other, "tiny");
    await demo.image.share(id, { project: "other" });
    await created(other, "tiny");
  });

  it("are public by the operators' choice alone", async () => {
    const { demo, admin } = world;
    const { id } = await registered("private");
    expect(await reasonOf(demo.image.update(id, { visibility: "public" }))).to.equal("adminOnly");
    expect(await reasonOf(demo.image.create({ name: "a", visibility: "public" }))).to.equal("adminOnly");
    expect(await reasonOf(demo.image.delete("tiny", {}))).to.equal("adminOnly");
    await admin.image.update(id, { visibility: "public" });
    expect(await idsOf(world.other)).to.deep.equal(["tiny", "own"]);
  });

  it("keep name, properties and protection while they are public, until their project takes them back", async () => {
    const { demo, admin } = world;
    const { id } = await registered("private");
    await admin.image.update(id, { visibility: "public" });
    for (const asked of [
      { name: "tiny" },
      { name: "tiny", visibility: "private" as const },
      { properties: { memoryMibMin: 4_096 } },
      { protected: true },
    ]) {
      const { reason, message } = await refusal(demo.image.update(id, asked));
      expect(reason).to.equal("adminOnly");
      expect(message).to.include("is public");
    }
    await created(world.other, "tiny");
    expect((await admin.image.update(id, { name: "ours" })).image.name).to.equal("ours");
    await demo.image.update(id, { visibility: "private" });
    expect((await demo.image.update(id, { name: "mine" })).image.name).to.equal("mine");
  });

  it("are shared once, however many say so at once", async () => {
    const { demo, store } = world;
    const { id } = await registered("private");
    const list = store.rows.list.bind(store.rows);
    let first: Promise<unknown> | undefined;
    store.rows.list = (async (resource: Parameters<typeof list>[0], query: Parameters<typeof list>[1]) => {
      const rows = await list(resource, query);
      if (resource.noun === "image-member" && first === undefined) {
        first = demo.image.share(id, { project: "other" });
        await first;
      }
      return rows;
    }) as typeof store.rows.list;
    const { image } = await demo.image.share(id, { project: "other" });
    expect(first).to.not.equal(undefined);
    expect(image.members).to.deep.equal([{ project: "other", status: "pending" }]);
  });

  it("are listed by operators whoever they are shared with, and not by members' answers", async () => {
    const { reason, message } = await refusal(world.admin.image.list({ memberStatus: "pending" }));
    expect(reason).to.equal("schemaMismatch");
    expect(message).to.include("memberStatus").and.to.include("operators list all images");
  });

  it("wait without bytes for them, and no instance is made of them meanwhile", async () => {
    const { demo, store } = world;
    const { image } = await demo.image.create({ name: "new", properties: { memoryMibMin: 64 } });
    expect(image).to.deep.include({ state: "queued", visibility: "private", disk: null, checksums: null });
    const denied = await refusal(created(demo, "new"));
    expect(denied.reason).to.equal("imageNotActive");
    expect(denied.message).to.include("queued");
    expect(await reasonOf(demo.image.deactivate("new", {}))).to.equal("imageNotActive");
    const commit = store.commit.bind(store);
    const step = (one: Parameters<typeof advanceImage>[1]) =>
      advanceImage(image.id, one, { store, commit, clock: systemClock });
    const save = { kind: "save", holder: "one", sizeBytes: 7 } as const;
    await step(save);
    expect(await reasonOf(step({ ...save, holder: "two" }))).to.equal("imageElsewhere");
    await step({ kind: "requeue", refusal: { reason: "unusableImage", message: "It is none." } });
    await step(save);
    await step({ kind: "import" });
    expect(await reasonOf(step(save))).to.equal("imageNotQueued");
    const sha256 = "b".repeat(64);
    const disk = { sha256, sizeBytes: 5, format: "raw", virtualSizeBytes: 2 ** 30 } as const;
    const checksums = { sha256, sha512: "c".repeat(128), md5: "d".repeat(32) };
    await step({ kind: "activate", disk, checksums });
    expect((await demo.image.get("new", {})).image).to.deep.include({ state: "active", disk, checksums });
    await created(demo, "new");
  });

  it("make no instance while they are deactivated, and say so", async () => {
    const { demo } = world;
    const { id } = await registered("private");
    await created(demo, id);
    await demo.image.deactivate(id, {});
    for (let time = 0; time < 4; time += 1)
      expect(await reasonOf(created(demo, id))).to.equal("imageNotActive");
    await demo.image.reactivate(id, {});
    for (let time = 0; time < 4; time += 1) await created(demo, id);
  });

  it("are used as they were changed, however warm a controller's memory is", async () => {
    const { demo } = world;
    const { id } = await registered("private");
    for (let time = 0; time < 4; time += 1) await created(demo, id);
    await demo.image.update(id, { properties: { memoryMibMin: 4_096 } });
    for (let time = 0; time < 4; time += 1)
      expect(await reasonOf(created(demo, id))).to.equal("flavorTooSmall");
    await demo.image.update(id, { properties: { memoryMibMin: 0 } });
    for (let time = 0; time < 4; time += 1) await created(demo, id);
  });

  it("stay while they are protected, and go with their members", async () => {
    const { demo, other } = world;
    const { id } = await registered("shared");
    await demo.image.share(id, { project: "other" });
    await demo.image.update(id, { protected: true });
    expect(await reasonOf(demo.image.delete(id, {}))).to.equal("imageProtected");
    await demo.image.update(id, { protected: false });
    await demo.image.delete(id, {});
    expect(await idsOf(other, { memberStatus: "pending" })).to.deep.equal([]);
  });

  it("are as many as the quota allows, and tell of every change", async () => {
    const { admin, demo } = world;
    await admin.quota.set("demo", { images: 1 });
    const { id } = await registered("private");
    expect(await reasonOf(demo.image.create({ name: "more" }))).to.equal("quotaExceeded");
    await demo.image.share(id, { project: "other" });
    await world.other.image.accept(id, {});
    await demo.image.deactivate(id, {});
    await demo.image.update(id, { name: "renamed" });
    const { events } = await demo.event.list({ after: 0, noun: "image" });
    const told = ["registered", "shared", "accepted", "deactivated", "changed"];
    expect(events.map(({ event }) => event)).to.deep.equal(told);
    expect((await world.other.event.list({ after: 0, noun: "image" })).events).to.deep.equal([]);
  });
});
