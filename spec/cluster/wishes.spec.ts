/**
 * Wishes after the create: when the chosen host is lost, the named instance is gone, or a member of the group
 * is on its way elsewhere. From outside: a client, a memory bus, a memory store, and hosts that do what the
 * test says.
 */
import { expect } from "chai";
import { systemClock } from "../../nodes/process/clock.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;
type Host = Awaited<ReturnType<World["host"]>>;

const burnt = { confirm: "host-a", reason: "It burnt.", force: true };

describe("wishes that are kept with an instance", function () {
  this.timeout(30_000);
  let world: World;
  let first: Host;
  beforeEach(async () => {
    world = await controllerWorld();
    first = await world.host("a");
  });
  afterEach(() => world.stop());

  const create = async (request: object = {}, project: "demo" | "admin" = "demo") => {
    const wanted = { name: "web", flavor: "tiny", image: "tiny", wait: true };
    return (await world[project].instance.create({ ...wanted, ...request })).instance;
  };
  const instanceOf = async (id: string) => (await world.admin.instance.get(id, {})).instance;
  /** Reads again until the instance is there, or has failed. */
  const ranOn = async (id: string, host: string) => {
    for (let attempt = 1; attempt <= 400; attempt += 1) {
      const { state, hostId, failure } = await instanceOf(id);
      if (failure !== null) throw new Error(failure.message);
      if (state === "running" && hostId === host) return;
      await new Promise<void>((resolve) => systemClock.after(25, resolve));
    }
    throw new Error(`It never came to ${host}.`);
  };

  const left = async (id: string) => {
    for (let attempt = 1; attempt <= 400; attempt += 1) {
      if ((await instanceOf(id)).hostId === null) return;
      await new Promise<void>((resolve) => systemClock.after(25, resolve));
    }
    throw new Error("It never left.");
  };

  it("let an instance whose host an operator chose be recovered elsewhere", async () => {
    const { id } = await create({ host: "a" }, "admin");
    await world.host("b");
    first.silent = true;
    await world.admin.host.fence("a", burnt);
    await ranOn(id, "b");
  });

  it("and leave its host when that is drained", async () => {
    const { id } = await create({ host: "a" }, "admin");
    await world.host("b");
    await world.admin.host.drain("a", { reason: "new disk" });
    await ranOn(id, "b");
  });

  it("but build it on no other host", async () => {
    await world.host("b");
    const outcome = () => ({ state: "failed", reason: "diskFull", message: "no" }) as const;
    await world.host("bad", { outcome });
    const { state, failure } = await create({ host: "bad" }, "admin");
    expect(state).to.equal("failed");
    expect(failure?.reason).to.equal("noValidHost");
  });

  it("keep a group's members apart, though one of them has not gone from its host yet", async () => {
    await world.demo.serverGroup.create({ name: "apart", policy: "anti-affinity" });
    const { id } = await create({ serverGroup: "apart" });
    await world.host("b");
    first.silent = true;
    await world.admin.host.drain("a", { reason: "new disk" });
    await left(id);
    await world.admin.host.enable("a", {});
    await world.admin.host.disable("b", { reason: "full" });
    const wanted = { name: "web", flavor: "tiny", image: "tiny", serverGroup: "apart" };
    const denied = await world.demo.instance.create(wanted).then(
      ({ instance }) => instance.hostId,
      (error: unknown) => (error instanceof StatusError ? error.reason : error),
    );
    expect(denied).to.equal("noValidHost");
    // The second claim is the room kept where it goes.
    expect((await world.store.instances.load(id))?.claims.map(({ hostId }) => hostId)).to.deep.equal([
      "a",
      "b",
    ]);
  });

  it("ask for no host of an instance that is gone", async () => {
    const named = await create();
    const { id } = await create({ hints: { sameHost: [named.id] } });
    await world.demo.instance.delete(named.id, { wait: true });
    await world.host("b");
    first.silent = true;
    await world.admin.host.fence("a", burnt);
    await ranOn(id, "b");
  });
});
