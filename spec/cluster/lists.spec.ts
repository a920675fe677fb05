/** Lists as clients ask for them: filters by names, both orders, names beside ids, and what is refused. */
import { expect } from "chai";
import { StatusError } from "../../protocol/wire/status.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

async function reason(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof StatusError) return error.reason;
    throw error;
  }
  throw new Error("It was not refused.");
}

describe("lists", function () {
  this.timeout(30_000);
  let world: World;
  before(async () => {
    world = await controllerWorld();
    await world.host("a", { vcpus: 100 });
    await world.demo.serverGroup.create({ name: "together", policy: "soft-affinity" });
    for (const [name, more] of [
      ["web-1", {}],
      ["web-2", { serverGroup: "together" }],
      ["db", { metadata: { tier: "back" } }],
    ] as const)
      await world.demo.instance.create({ name, flavor: "tiny", image: "tiny", wait: true, ...more });
    await world.other.instance.create({ name: "web-1", flavor: "tiny", image: "tiny", wait: true });
  });
  after(() => world.stop());

  const named = async (
    request: Parameters<World["demo"]["instance"]["list"]>[0],
    project: "demo" | "admin" = "demo",
  ) => (await world[project].instance.list(request)).instances.map(({ name }) => name);

  it("of instances take names where ids are meant, several values, and both orders", async () => {
    expect(await named({ order: "newest" })).to.deep.equal(["db", "web-2", "web-1"]);
    expect(await named({ namePattern: "web-*" })).to.deep.equal(["web-1", "web-2"]);
    expect(await named({ names: ["db", "web-1"] })).to.deep.equal(["web-1", "db"]);
    expect(await named({ serverGroups: ["together"] })).to.deep.equal(["web-2"]);
    expect(
      await named({ flavors: ["tiny"], images: ["tiny"], states: ["running", "failed"] }),
    ).to.have.length(3);
    expect(await named({ hosts: ["host-a"], names: ["web-1"] }, "admin")).to.deep.equal(["web-1", "web-1"]);
    expect(await named({ name: "db", names: ["web-1"] })).to.deep.equal([]);
    expect(await named({ metadata: { tier: "back" } })).to.deep.equal(["db"]);
  });

  it("say what a filter names that is not there, and who may ask for it", async () => {
    expect(await reason(named({ hosts: ["host-a"] }))).to.equal("adminOnly");
    expect(await reason(named({ hosts: ["nowhere"] }, "admin"))).to.equal("hostNotFound");
    expect(await reason(named({ serverGroups: ["none"] }))).to.equal("serverGroupNotFound");
    expect(await reason(world.other.instance.list({ serverGroups: ["together"] }))).to.equal(
      "serverGroupNotFound",
    );
    expect(await named({ flavors: ["none"] })).to.deep.equal([]);
    expect(await reason(world.demo.instance.list({ states: [] }))).to.equal("schemaMismatch");
  });

  it("go on behind the marker in the order that was asked for, with old requests answered as before", async () => {
    for (const order of [undefined, "oldest", "newest"] as const) {
      const asked = order === undefined ? {} : { order };
      const first = await world.demo.instance.list({ limit: 2, ...asked });
      const { nextMarker = "" } = first;
      const second = await world.demo.instance.list({ limit: 2, marker: nextMarker, ...asked });
      const all = [...first.instances, ...second.instances].map(({ name }) => name);
      expect(all).to.deep.equal(order === "newest" ? ["db", "web-2", "web-1"] : ["web-1", "web-2", "db"]);
    }
    expect(await named({ state: "running", name: "db", limit: 1 })).to.deep.equal(["db"]);
  });

  it("of operations name the instances, and show the newest first", async () => {
    const { operations } = await world.demo.operation.list({ order: "newest", kinds: ["create"] });
    expect(operations.map(({ instanceName }) => instanceName)).to.deep.equal(["db", "web-2", "web-1"]);
    const [newest] = operations;
    const shown = await world.demo.operation.get(newest?.id ?? "", {});
    expect(shown.operation.instanceName).to.equal("db");
    const since = await world.demo.operation.list({ sinceMs: newest?.startedAtMs ?? 0, states: ["done"] });
    expect(since.operations.at(-1)?.id).to.equal(newest?.id);
  });

  it("of operations and hosts have a whole number beside each id, as they have one by one", async () => {
    const { operations } = await world.demo.operation.list({});
    const numbers = operations.map(({ number }) => number ?? 0);
    expect(numbers).to.satisfy((all: readonly number[]) =>
      all.every((one) => Number.isSafeInteger(one) && one > 0),
    );
    expect(new Set(numbers).size).to.equal(numbers.length);
    const { operation } = await world.demo.operation.get(operations[0]?.id ?? "", {});
    expect(operation.number).to.equal(numbers[0]);
    const [listed] = (await world.admin.host.list({})).hosts;
    expect(listed?.number).to.equal(1);
    expect((await world.admin.host.get("a", {})).host.number).to.equal(1);
  });

  it("of events show the newest first, and lead back page by page to the oldest", async () => {
    const oldest = await world.demo.event.list({ after: 0, limit: 1_000 });
    const back: number[] = [];
    let before: number | undefined;
    do {
      const position = before === undefined ? {} : { before };
      const page = await world.demo.event.list({ order: "newest", limit: 4, ...position });
      back.push(...page.events.map(({ sequence }) => sequence));
      expect(page.last).to.equal(oldest.last);
      before = page.nextBefore;
    } while (before !== undefined);
    expect(back.reverse()).to.deep.equal(oldest.events.map(({ sequence }) => sequence));
  });

  it("of events take several nouns and names, and each event of an instance has its name", async () => {
    const { events } = await world.demo.event.list({
      ...{ order: "newest", nouns: ["instance", "server-group"], events: ["created", "operationEnded"] },
    });
    expect(events.map(({ event }) => event)).to.deep.equal([
      ...["operationEnded", "operationEnded", "operationEnded", "created"],
    ]);
    expect(events[0]?.body.name).to.equal("db");
    const [middle] = events;
    const since = await world.demo.event.list({ sinceMs: middle?.atMs ?? 0, events: ["operationEnded"] });
    expect(since.events.at(-1)?.sequence).to.equal(middle?.sequence);
  });

  it("of events refuse what contradicts itself", async () => {
    expect(await reason(world.demo.event.list({ order: "newest", waitMs: 1_000 }))).to.equal(
      "schemaMismatch",
    );
    expect(await reason(world.demo.event.list({ before: 5 }))).to.equal("schemaMismatch");
    const { events } = await world.demo.event.list({});
    expect(events).to.deep.equal([]);
  });
});
