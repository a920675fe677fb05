/**
 * Drains where room is scarce: no instance is asked to leave that no host can take, whoever else looks for
 * room. A client, a memory bus, a memory store, and hosts that do what the test says.
 */
import { expect } from "chai";
import { refused, until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const tiny = { flavor: "tiny", image: "tiny", wait: true };

describe("a drain where room is scarce", function () {
  this.timeout(60_000);
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
  });
  afterEach(() => world.stop());

  const drain = (more: object = {}) => world.admin.host.drain("a", { reason: "a new disk", ...more });
  const progress = async () => (await world.admin.host.get("a", {})).drain;
  const all = async () => (await world.demo.instance.list({ limit: 1_000 })).instances;
  /** Number of instances by state and host. */
  const where = async () => {
    const places = (await all()).map(({ state, hostId }) => `${state} on ${hostId}`);
    return Object.fromEntries(
      [...Map.groupBy(places, (one) => one)].map(([key, list]) => [key, list.length]),
    );
  };

  it("moves as many as find room, and keeps the others running, however many leave at once", async () => {
    await world.host("a");
    for (let n = 0; n < 8; n += 1) await world.demo.instance.create({ name: `m${n}`, ...tiny });
    await world.host("b", { vcpus: 1 });
    await drain();
    const ended = await until(progress, (now) => now?.moved === 1 && now.staying === 7);
    expect(ended).to.include({ moving: 0, left: 0 });
    expect(await where()).to.deep.equal({ "running on a": 7, "running on b": 1 });
    const { events } = await world.demo.event.list({ after: 0, limit: 1_000 });
    expect(events.filter(({ event }) => event === "leaving")).to.have.length(1);
  });

  it("keeps the room of one that takes its time to leave", async () => {
    const first = await world.host("a");
    const { instance } = await world.demo.instance.create({ name: "web", ...tiny });
    await world.host("b", { vcpus: 1 });
    first.silent = true;
    await drain();
    await until(progress, (now) => now?.moving === 1);
    const denied = await refused(world.demo.instance.create({ name: "late", ...tiny }));
    expect(denied.reason).to.equal("noValidHost");
    const claims = async () => (await world.store.instances.load(instance.id))?.claims;
    expect((await claims())?.map(({ hostId }) => hostId)).to.deep.equal(["a", "b"]);
    first.silent = false;
    await until(all, ([now]) => now?.hostId === "b" && now.state === "running");
    expect((await claims())?.map(({ hostId, ownerEpoch }) => [hostId, ownerEpoch])).to.deep.equal([["b", 2]]);
    const { hosts } = await world.admin.host.list({});
    expect(hosts.map(({ claimed }) => claimed.vcpus)).to.deep.equal([0, 1]);
  });

  it("gives the room back when the one that leaves is stopped, and when it is deleted", async () => {
    const first = await world.host("a");
    for (const name of ["one", "two"]) await world.demo.instance.create({ name, ...tiny });
    await world.host("b", { vcpus: 2 });
    first.silent = true;
    await drain();
    await until(progress, (now) => now?.moving === 2);
    const [one, two] = await all();
    await world.demo.instance.stop(one?.id ?? "", {});
    await world.demo.instance.delete(two?.id ?? "", {});
    const claimed = async () => (await world.admin.host.list({})).hosts.map(({ instances }) => instances);
    expect(await claimed()).to.deep.equal([2, 0]);
    first.silent = false;
    await until(claimed, ([left]) => left === 0);
    expect(await where()).to.deep.equal({ "stopped on null": 1 });
  });

  it("goes past those that find no room, however many, to those that do", async () => {
    await world.admin.flavor.create({ name: "large", vcpus: 4, memoryMib: 128, diskGib: 0 });
    await world.host("a", { vcpus: 1_000, memoryMib: 1_000_000 });
    await world.demo.instance.create({ name: "big", ...tiny, flavor: "large", count: 101 });
    await world.demo.instance.create({ name: "small", ...tiny });
    await world.host("b", { vcpus: 2 });
    await drain();
    await until(progress, (now) => now?.moved === 1);
    // It has moved when the host owns it; that it runs is reported a moment later.
    await until(where, (now) => now["starting on b"] === undefined);
    expect(await where()).to.deep.equal({ "running on a": 101, "running on b": 1 });
  });
});
