/**
 * Edits and locks of instances from outside: clients of two projects and an operator, a memory bus, a memory
 * store, two controllers, and a host that counts what it is told.
 */
import { expect } from "chai";
import { StatusError } from "../../protocol/wire/status.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;
type Host = Awaited<ReturnType<World["host"]>>;

async function refused(attempt: Promise<unknown>): Promise<StatusError> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error("It was not refused.");
}

describe("edits and locks of instances", function () {
  this.timeout(30_000);
  let world: World;
  let host: Host;
  let id: string;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
    host = await world.host("a");
    const wanted = { name: "web", flavor: "tiny", image: "tiny", description: "first", wait: true };
    id = (await world.demo.instance.create({ ...wanted, metadata: { kept: "1" } })).instance.id;
  });
  afterEach(() => world.stop());

  const events = async (name: string) => {
    const page = await world.demo.event.list({ after: 0, id, events: [name], limit: 1_000 });
    return page.events.map(({ body, requestId }) => ({ ...body, requestId }));
  };

  it("set changes what it names, tells no host, and is one event", async () => {
    const { ensured } = host;
    const before = ensured.length;
    const { instance } = await world.demo.instance.set(
      id,
      { name: "db", metadata: { more: "2" } },
      { requestId: "r-1" },
    );
    expect(instance).to.deep.include({
      name: "db",
      description: "first",
      metadata: { kept: "1", more: "2" },
    });
    expect(instance).to.include({ state: "running", operationId: null, locked: false });
    expect((await world.demo.instance.get(id, {})).instance).to.deep.equal(instance);
    expect(await events("changed")).to.deep.equal([
      {
        ...{ name: "db", command: "set", changed: true, formerName: "web", metadata: { more: "2" } },
        requestId: "r-1",
      },
    ]);
    expect(ensured).to.have.length(before);
  });

  it("answers a repeated request alike, and refuses its id for other content", async () => {
    const first = await world.demo.instance.set(id, { name: "db" }, { requestId: "r-1" });
    await world.demo.instance.set(id, { name: "other" });
    expect(await world.demo.instance.set(id, { name: "db" }, { requestId: "r-1" })).to.deep.equal(first);
    expect((await world.demo.instance.get(id, {})).instance.name).to.equal("other");
    const reused = await refused(world.demo.instance.set(id, { name: "x" }, { requestId: "r-1" }));
    expect(reused.reason).to.equal("requestIdReused");
    expect((await refused(world.demo.instance.set(id, {}))).reason).to.equal("schemaMismatch");
  });

  it("loses nothing of sets at the same moment, whichever controllers take them", async () => {
    const keys = Array.from({ length: 40 }, (_, n) => `key-${n}`);
    await Promise.all(keys.map((key) => world.demo.instance.set(id, { metadata: { [key]: "1" } })));
    const { metadata } = (await world.demo.instance.get(id, {})).instance;
    expect(Object.keys(metadata).sort()).to.deep.equal(["kept", ...keys].sort());
    expect(await events("changed")).to.have.length(keys.length);
  });

  it("a locked instance refuses its project, and serves operators", async () => {
    const { instance } = await world.demo.instance.lock(id, { reason: "keep" });
    expect(instance).to.include({ locked: true, lockedBy: "project", lockedReason: "keep" });
    const error = await refused(world.demo.instance.delete(id, {}));
    expect(error).to.include({ code: "FAILED_PRECONDITION", reason: "instanceLocked" });
    expect(error.message).to.equal(`Instance web (${id}) was locked by its project: keep.`);
    expect(error.toBody().next).to.include("novact instance unlock");
    const stop = await world.admin.instance.stop(id, { wait: true, mode: "hard" });
    expect(stop.instance).to.include({ state: "stopped", locked: true });
    expect((await refused(world.demo.instance.start(id, {}))).reason).to.equal("instanceLocked");
    await world.demo.instance.unlock(id, {});
    expect((await world.demo.instance.start(id, { wait: true })).instance.state).to.equal("running");
  });

  it("a lock of the operators is lifted by operators alone", async () => {
    await world.admin.instance.lock(id, { reason: "audit" });
    const mine = await world.demo.instance.lock(id, {});
    expect(mine.instance).to.include({ lockedBy: "operators", lockedReason: "audit" });
    expect((await refused(world.demo.instance.unlock(id, {}))).reason).to.equal("instanceLocked");
    expect((await world.admin.instance.unlock(id, {})).instance.locked).to.equal(false);
  });

  it("of another project nothing can be edited or locked, and nothing shows that it is there", async () => {
    for (const attempt of [
      world.other.instance.set(id, { name: "mine" }),
      world.other.instance.lock(id, {}),
      world.other.instance.unlock(id, {}),
    ])
      expect((await refused(attempt)).reason).to.equal("instanceNotFound");
  });

  it("a host that is lost loses a locked guest as any other, and its guest is recovered", async () => {
    await world.demo.instance.lock(id, {});
    const other = await world.host("b");
    host.silent = true;
    await world.admin.host.fence("a", { confirm: "host-a", reason: "It burnt.", force: true });
    const watched = await world.demo.event.list({ after: 0, id, events: ["placed"], waitMs: 20_000 });
    expect(watched.events.at(-1)?.body).to.include({ hostId: "b" });
    expect(other.machines.has(id)).to.equal(true);
    expect((await world.demo.instance.get(id, {})).instance.locked).to.equal(true);
  });
});
