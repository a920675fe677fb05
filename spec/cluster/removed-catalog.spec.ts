/**
 * Flavors and images that were removed a moment ago, and new ones of the same name: what an operator was
 * answered holds for every create that begins afterwards, on whichever controller, however warm its cache is.
 */
import { expect } from "chai";
import type { InstanceRecord } from "../../actors/records/instance.ts";
import { refused, until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const controllers = 2;

describe("creates of flavors and images that go and come", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers });
    await world.host("a", {});
    await world.admin.flavor.create({ name: "passing", vcpus: 1, memoryMib: 64, diskGib: 0 });
    await world.admin.image.register({ name: "passing", kernel: { path: "/kernel" } });
  });
  afterEach(() => world.stop());

  const create = (changes: { readonly flavor?: string; readonly image?: string; readonly count?: number }) =>
    world.demo.instance.create({ name: "web", flavor: "tiny", image: "tiny", ...changes });
  /** Every controller has both in its cache now, and nothing uses them any more. */
  const warm = async () => {
    for (let time = 0; time < 4 * controllers; time += 1) {
      const { instance } = await create({ flavor: "passing", image: "passing" });
      await world.demo.instance.delete(instance.id, { wait: true });
    }
  };
  /** As often as every controller is asked. */
  const everywhere = async (ask: () => Promise<void>) => {
    for (let time = 0; time < 4 * controllers; time += 1) await ask();
  };
  const recordOf = async (id: string): Promise<InstanceRecord | undefined> =>
    (await world.store.instances.get(id))?.instance;

  it("a flavor that was removed is unknown at once", async () => {
    await warm();
    await world.admin.flavor.delete("passing", {});
    await everywhere(async () => {
      expect((await refused(create({ flavor: "passing" }))).reason).to.equal("unknownFlavor");
    });
    expect(await world.store.instances.list({ limit: 1 })).to.deep.equal({ rows: [] });
  });

  it("an image that was removed is unknown at once, also for many instances", async () => {
    await warm();
    await world.admin.image.delete("passing", {});
    await everywhere(async () => {
      expect((await refused(create({ image: "passing" }))).reason).to.equal("unknownImage");
      expect((await refused(create({ image: "passing", count: 3 }))).reason).to.equal("unknownImage");
    });
    expect(await world.store.instances.list({ limit: 1 })).to.deep.equal({ rows: [] });
  });

  it("a new flavor of the same name is the one that is used", async () => {
    await warm();
    await world.admin.flavor.delete("passing", {});
    const { flavor } = await world.admin.flavor.create({
      ...{ name: "passing", vcpus: 2, memoryMib: 128, diskGib: 0 },
    });
    await everywhere(async () => {
      const { instance } = await create({ flavor: "passing" });
      expect((await recordOf(instance.id))?.flavor).to.include({ id: flavor.id, vcpus: 2, memoryMib: 128 });
    });
  });

  it("a new image of the same name is the one that is used, by all of many", async () => {
    await warm();
    await world.admin.image.delete("passing", {});
    const { image } = await world.admin.image.register({ name: "passing", kernel: { path: "/kernel" } });
    await everywhere(async () => {
      const { all = [] } = await create({ image: "passing", count: 2 });
      const records = await Promise.all(all.map(({ instance }) => recordOf(instance.id)));
      expect(records.map((record) => record?.image.id)).to.deep.equal([image.id, image.id]);
    });
  });

  it("a refusal is about the new flavor, not about the one before", async () => {
    await warm();
    await world.admin.image.register({
      ...{ name: "big", kernel: { path: "/kernel" }, properties: { memoryMibMin: 256 } },
    });
    await everywhere(async () => {
      expect((await refused(create({ flavor: "passing", image: "big" }))).reason).to.equal("flavorTooSmall");
    });
    await world.admin.flavor.delete("passing", {});
    await world.admin.flavor.create({ name: "passing", vcpus: 1, memoryMib: 256, diskGib: 0 });
    await everywhere(async () => {
      expect((await create({ flavor: "passing", image: "big" })).instance.state).to.equal("building");
    });
  });

  it("no host for the flavor before is no answer about the new one, nor is a quota", async () => {
    await world.host("b");
    await world.admin.flavor.create({ name: "large", vcpus: 200, memoryMib: 64, diskGib: 0 });
    await everywhere(async () => {
      expect((await refused(create({ flavor: "large" }))).reason).to.equal("noValidHost");
    });
    await world.admin.flavor.delete("large", {});
    await world.admin.flavor.create({ name: "large", vcpus: 2, memoryMib: 64, diskGib: 0 });
    await everywhere(async () => {
      expect((await create({ flavor: "large" })).instance.state).to.equal("building");
    });
    await world.admin.quota.set("demo", { vcpus: 20 });
    await world.admin.flavor.delete("large", {});
    await world.admin.flavor.create({ name: "large", vcpus: 1, memoryMib: 64, diskGib: 0 });
    await create({ flavor: "large", count: 4 });
  });

  it("a dry run tells of the new flavor", async () => {
    await warm();
    const ask = () =>
      world.demo.instance.explainCreate({ name: "web", flavor: "passing", image: "tiny" }).then(
        ({ hosts }) => hosts.map(({ filters }) => filters.cpu),
        ({ reason }) => reason,
      );
    await everywhere(async () => {
      expect(await ask()).to.deep.equal([true]);
    });
    await world.admin.flavor.delete("passing", {});
    await everywhere(async () => {
      expect(await ask()).to.equal("unknownFlavor");
    });
    await world.admin.flavor.create({ name: "passing", vcpus: 200, memoryMib: 64, diskGib: 0 });
    await everywhere(async () => {
      expect((await ask())[0]).to.be.a("string");
    });
  });

  it("a create that was answered is answered alike after its flavor is gone", async () => {
    const question = { name: "web", flavor: "passing", image: "tiny" };
    const first = await world.demo.instance.create(question, { requestId: "once" });
    await world.admin.flavor.delete("passing", {});
    await everywhere(async () => {
      const again = await world.demo.instance.create(question, { requestId: "once" });
      expect(again.instance.id).to.equal(first.instance.id);
    });
  });

  it("an instance keeps its flavor: without it, it stops, starts, moves and is recovered", async () => {
    await world.host("b", {});
    const web = { name: "web", image: "passing", host: "b", wait: true };
    const { instance } = await world.admin.instance.create({ ...web, flavor: "passing" });
    await world.admin.flavor.delete("passing", {});
    await world.admin.flavor.create({ name: "passing", vcpus: 200, memoryMib: 64, diskGib: 0 });
    expect((await refused(world.admin.image.delete("passing", {}))).reason).to.equal("inUse");
    const stopped = await world.admin.instance.stop(instance.id, { wait: true });
    expect(stopped.instance.state).to.equal("stopped");
    const started = await world.admin.instance.start(instance.id, { wait: true });
    expect(started.instance.state).to.equal("running");
    await world.host("c", {});
    const now = async () => (await world.admin.instance.get(instance.id, {})).instance;
    await world.admin.host.drain("b", { reason: "a new disk" });
    await until(now, ({ hostId, state }) => hostId !== "b" && state === "running");
    await world.host("d", {});
    const { hostId } = await now();
    const confirm = `host-${hostId}`;
    await world.admin.host.fence(hostId ?? "", { confirm, reason: "It burnt down.", force: true });
    await until(now, (moved) => moved.hostId !== hostId && moved.state === "running");
    expect((await recordOf(instance.id))?.flavor).to.include({ vcpus: 1, memoryMib: 64 });
  });
});
