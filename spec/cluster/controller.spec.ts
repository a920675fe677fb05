/**
 * The controller from outside: a client, a memory bus, a memory store, and hosts that do what the test says.
 */
import { expect } from "chai";
import { consoleLimits } from "../../actors/control/instances/limits.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

async function refused(attempt: Promise<unknown>): Promise<StatusError> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error("It was not refused.");
}

describe("a controller", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld();
  });
  afterEach(() => world.stop());
  const create = (name = "web", options = {}) =>
    world.demo.instance.create({ name, flavor: "tiny", image: "tiny", wait: true }, options);

  it("creates an instance, runs it, and ends the operation with its steps", async () => {
    await world.host("a");
    const { instance, operation } = await create();
    expect(instance).to.include({ name: "web", state: "running", hostName: "host-a", project: "demo" });
    expect(operation).to.include({ kind: "create", state: "done", percent: 100 });
    expect(operation.steps.map(({ step }) => step)).to.deep.equal(["accepted", "placed", "running", "done"]);
  });

  it("stops, starts, pauses, unpauses, reboots and deletes", async () => {
    const host = await world.host("a");
    const { instance } = await create();
    const { demo } = world;
    const state = async (changed: Promise<{ instance: { state: string } }>) => (await changed).instance.state;
    expect(await state(demo.instance.stop(instance.id, { wait: true }))).to.equal("stopped");
    expect(await state(demo.instance.start(instance.id, { wait: true }))).to.equal("running");
    expect(await state(demo.instance.pause(instance.id, { wait: true }))).to.equal("paused");
    expect(await state(demo.instance.unpause(instance.id, { wait: true }))).to.equal("running");
    expect(await state(demo.instance.reboot(instance.id, { wait: true, mode: "hard" }))).to.equal("running");
    expect(host.machines.get(instance.id)?.resetCount).to.equal(1);
    expect(await state(demo.instance.delete(instance.id, { wait: true }))).to.equal("deleted");
    expect(host.machines.size).to.equal(0);
    expect(await world.store.hosts.claimTotals()).to.deep.equal([]);
    expect((await refused(demo.instance.start(instance.id, {}))).reason).to.equal("instanceNotFound");
  });

  it("says no valid host, with every host's reason, when nothing fits", async () => {
    await world.host("a", { vcpus: 1 });
    await create("one");
    const error = await refused(create("two"));
    expect(error).to.include({ code: "RESOURCE_EXHAUSTED", reason: "noValidHost" });
    expect(JSON.stringify(error.details)).to.contain("host-a");
  });

  it("tries another host when the first one fails the build, and gives the first one's capacity back", async () => {
    const failed = { state: "failed", reason: "hypervisorRefused", message: "no" } as const;
    const bad = await world.host("a", { outcome: () => failed });
    const worse = await world.host("b", { outcome: () => failed });
    const good = await world.host("c");
    const { instance, operation } = await create();
    expect(instance).to.include({ state: "running", hostName: "host-c" });
    expect(operation.state).to.equal("done");
    expect(good.machines.size).to.equal(1);
    await settled(world, instance.id);
    expect([bad.machines.size, worse.machines.size]).to.deep.equal([0, 0]);
    const totals = await world.store.hosts.claimTotals();
    expect(totals.map(({ hostId, instances }) => [hostId, instances])).to.deep.equal([["c", 1]]);
  });

  it("fails a build loudly when every host fails it, and holds nothing", async () => {
    const failed = { state: "failed", reason: "diskFull", message: "disk full" } as const;
    for (const id of ["a", "b", "c", "d"]) await world.host(id, { outcome: () => failed });
    const { instance, operation } = await create();
    expect(operation).to.include({ state: "failed" });
    expect(operation.error).to.include({ reason: "diskFull" });
    expect(instance).to.include({ state: "failed", hostId: null });
    await settled(world, instance.id);
    expect(await world.store.hosts.claimTotals()).to.deep.equal([]);
  });

  it("answers a repeated request id with the same answer, and refuses it for other content", async () => {
    await world.host("a");
    const request = { name: "web", flavor: "tiny", image: "tiny" };
    const first = await world.demo.instance.create(request, { requestId: "r-1" });
    const second = await world.demo.instance.create(request, { requestId: "r-1" });
    expect(second).to.deep.equal(first);
    expect((await world.demo.instance.list({})).instances).to.have.length(1);
    const other = await refused(world.demo.instance.create({ ...request, name: "db" }, { requestId: "r-1" }));
    expect(other).to.include({ code: "ALREADY_EXISTS", reason: "requestIdReused" });
    const stop = await world.demo.instance.stop(first.instance.id, { wait: true }, { requestId: "r-2" });
    const again = await world.demo.instance.stop(first.instance.id, {}, { requestId: "r-2" });
    expect(again.operation.id).to.equal(stop.operation.id);
  });

  it("answers the repetition of a removal alike, although what it removed is gone", async () => {
    const { admin } = world;
    const small = { name: "small", vcpus: 1, memoryMib: 128, diskGib: 0 };
    await admin.flavor.create(small);
    const flavorGone = await admin.flavor.delete("small", {}, { requestId: "f" });
    expect(await admin.flavor.delete("small", {}, { requestId: "f" })).to.deep.equal(flavorGone);
    expect((await refused(admin.flavor.delete("small", {}))).reason).to.equal("flavorNotFound");
    const other = await refused(admin.flavor.delete("tiny", {}, { requestId: "f" }));
    expect(other.reason).to.equal("requestIdReused");
    await admin.image.register({ name: "old", kernel: { path: "/kernel" } });
    const imageGone = await admin.image.delete("old", {}, { requestId: "i" });
    expect(await admin.image.delete("old", {}, { requestId: "i" })).to.deep.equal(imageGone);
  });

  it("makes exactly one instance per request id when many ask at once", async () => {
    await world.host("a", { vcpus: 100 });
    const asks = Array.from({ length: 200 }, (_, index) =>
      world.demo.instance.create(
        { name: `n-${index % 20}`, flavor: "tiny", image: "tiny" },
        { requestId: `id-${index % 20}` },
      ),
    );
    const ids = new Set((await Promise.all(asks)).map(({ instance }) => instance.id));
    expect(ids.size).to.equal(20);
    expect((await world.demo.instance.list({})).instances).to.have.length(20);
  });

  it("creates many at once, all or none", async () => {
    await world.host("a", { vcpus: 3 });
    const request = { name: "web", flavor: "tiny", image: "tiny", wait: true };
    const error = await refused(world.demo.instance.create({ ...request, count: 4 }));
    expect(error.reason).to.equal("noValidHost");
    expect((await world.demo.instance.list({})).instances).to.deep.equal([]);
    const { all } = await world.demo.instance.create({ ...request, count: 3 });
    expect(all?.map(({ instance }) => [instance.name, instance.state])).to.deep.equal([
      ["web-1", "running"],
      ["web-2", "running"],
      ["web-3", "running"],
    ]);
  });

  it("refuses polls of a console beyond those it takes before it reads anything for them", async () => {
    await world.host("a");
    const { instance } = await create();
    const { instances } = world.store;
    const get = instances.get.bind(instances);
    let reads = 0;
    let goOn: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    instances.get = async (id) => {
      reads += 1;
      await held;
      return get(id);
    };
    const poll = () => world.demo.instance.console(instance.id, { offset: 0, waitMs: 1_000 });
    const polls = Array.from({ length: consoleLimits.consoleReadersPerGuestMax }, poll);
    const beyond = world.demo.instance.console(instance.id, { waitMs: 1_000 }, { timeoutMs: 500 });
    expect((await refused(beyond)).reason).to.equal("tooManyWaits");
    expect(reads).to.equal(polls.length);
    goOn();
    expect((await Promise.all(polls)).map(({ text }) => text)).to.deep.equal(polls.map(() => "hello"));
    expect((await poll()).text).to.equal("hello");
  });

  it("keeps projects apart", async () => {
    await world.host("a");
    const { instance, operation } = await create();
    const { other } = world;
    expect((await refused(other.instance.get(instance.id, {}))).reason).to.equal("instanceNotFound");
    expect((await refused(other.instance.stop(instance.id, {}))).reason).to.equal("instanceNotFound");
    expect((await refused(other.instance.console(instance.id, {}))).reason).to.equal("instanceNotFound");
    expect((await refused(other.operation.get(operation.id, {}))).reason).to.equal("operationNotFound");
    expect((await other.instance.list({})).instances).to.deep.equal([]);
    expect((await other.event.list({ after: 0 })).events).to.deep.equal([]);
    expect((await refused(other.host.list({}))).reason).to.equal("adminOnly");
    expect((await world.admin.instance.list({})).instances).to.have.length(1);
  });

  it("lets nobody wait for the operation of another project", async () => {
    const host = await world.host("a");
    const answers = Promise.withResolvers<void>();
    host.answerAfter = answers.promise;
    const request = { name: "web", flavor: "tiny", image: "tiny" };
    const { operation } = await world.demo.instance.create(request);
    const stranger = refused(world.other.operation.get(operation.id, { waitMs: 5_000 }));
    const owner = world.demo.operation.get(operation.id, { waitMs: 5_000 });
    await until(() => host.ensured.length > 0);
    answers.resolve();
    expect((await stranger).reason).to.equal("operationNotFound");
    expect((await owner).operation.state).to.equal("done");
  });

  it("follows a guest that shuts itself down", async () => {
    const host = await world.host("a");
    const { instance } = await create();
    await host.become(instance.id, { state: "stopped", reason: "guestShutdown" });
    const seen = await world.demo.instance.get(instance.id, {});
    expect(seen.instance).to.include({ desired: "stopped" });
    await settled(world, instance.id);
    expect((await world.demo.instance.get(instance.id, {})).instance.state).to.equal("stopped");
  });

  it("ignores a report that is older than what it knows", async () => {
    const host = await world.host("a");
    const { instance } = await create();
    const old = host.machines.get(instance.id);
    if (old === undefined) throw new Error("no machine");
    await host.become(instance.id, { state: "paused" });
    expect(await host.report({ ...old, state: "failed" })).to.deep.equal([instance.id]);
    expect((await world.store.instances.get(instance.id))?.machine?.state).to.equal("paused");
  });

  it("tells a host again when the first message was lost", async () => {
    const host = await world.host("a");
    host.silent = true;
    const { instance } = await world.demo.instance.create({ name: "web", flavor: "tiny", image: "tiny" });
    expect(instance.state).to.equal("building");
    host.silent = false;
    await settled(world, instance.id);
    expect((await world.demo.instance.get(instance.id, {})).instance.state).to.equal("running");
  });

  it("writes every accepted command and every change of state once, in order, without a gap", async () => {
    await world.host("a");
    const { instance } = await create();
    await world.demo.instance.stop(instance.id, { wait: true });
    const { events } = await world.admin.event.list({ after: 0, limit: 1000 });
    expect(events.map(({ sequence }) => sequence)).to.deep.equal(events.map((_, index) => index + 1));
    const mine = events
      .filter(({ id }) => id === instance.id)
      .map(({ event, body }) => [event, body.to ?? body.command ?? body.kind]);
    expect(mine).to.deep.equal([
      ["accepted", "create"],
      ["operationEnded", "create"],
      ["stateChanged", "running"],
      ["accepted", "stop"],
      ["stateChanged", "stopping"],
      ["operationEnded", "stop"],
      ["stateChanged", "stopped"],
    ]);
  });

  it("lets nobody make things so large that they cannot be listed", async () => {
    await world.host("a", { vcpus: 100 });
    const { demo, admin } = world;
    const metadata = Object.fromEntries(
      Array.from({ length: 110 }, (_, key) => [`${key}`, "\u{1F600}".repeat(255)]),
    );
    const request = { name: "web", flavor: "tiny", image: "tiny", metadata };
    const error = await refused(demo.instance.create({ ...request, count: 100 }));
    expect(error.reason).to.equal("answerTooLarge");
    expect((await demo.instance.list({})).instances).to.deep.equal([]);
    for (let round = 0; round < 4; round += 1) await demo.instance.create({ ...request, count: 25 });
    const ids: string[] = [];
    for (let marker: string | undefined = ""; marker !== undefined; ) {
      const page = await admin.instance.list({ limit: 1000, ...(marker === "" ? {} : { marker }) });
      expect(page.instances.length).to.be.greaterThan(0);
      ids.push(...page.instances.map(({ id }) => id));
      marker = page.nextMarker;
    }
    expect(new Set(ids).size).to.equal(100);
    expect(ids).to.have.length(100);
  });

  it("keeps a host that offers less than its instances hold, full and at what they hold", async () => {
    await world.host("a", { vcpus: 2 });
    await world.demo.instance.create({ name: "web", flavor: "tiny", image: "tiny", count: 2 });
    await world.host("a", { vcpus: 1 });
    expect((await world.admin.host.get("a", {})).host.capacity.vcpus).to.equal(2);
    expect((await refused(create("more"))).reason).to.equal("noValidHost");
  });

  it("ends in bounded time, whoever waits and whatever a host answers afterwards", async () => {
    const late: unknown[] = [];
    const note = (error: unknown) => late.push(error);
    process.on("unhandledRejection", note);
    const host = await world.host("a");
    const answers = Promise.withResolvers<void>();
    host.answerAfter = answers.promise;
    const { demo } = world;
    await demo.instance.create({ name: "web", flavor: "tiny", image: "tiny" });
    const polls = refused(demo.event.list({ waitMs: 30_000 }, { timeoutMs: 31_000 }));
    await until(() => host.ensured.length > 0);
    const startedMs = performance.now();
    await world.stop();
    // The long poll would have taken 30 s; the bound is generous, for a machine that does other things too.
    expect(performance.now() - startedMs).to.be.lessThan(9_000);
    expect((await polls).reason).to.equal("shuttingDown");
    answers.resolve();
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(late).to.deep.equal([]);
  });

  it("finds nothing to complain about when all is well", async () => {
    await world.host("a");
    await create();
    const { findings, compared } = await world.admin.doctor.examine({});
    expect(findings).to.deep.equal([]);
    expect(compared.instances).to.equal(1);
  });
});

describe("three controllers", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 3 });
  });
  afterEach(() => world.stop());

  it("serve the same instances, whoever hears what", async () => {
    await world.host("a", { vcpus: 100 });
    const made = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        world.demo.instance.create({ name: `n-${index}`, flavor: "tiny", image: "tiny", wait: true }),
      ),
    );
    expect(made.map(({ instance }) => instance.state)).to.deep.equal(made.map(() => "running"));
    for (const command of ["stop", "start", "pause", "unpause", "delete"] as const) {
      const ended = await Promise.all(
        made.map(({ instance }) => world.demo.instance[command](instance.id, { wait: true })),
      );
      const states = new Set(ended.map(({ operation }) => operation.state));
      expect([...states], command).to.deep.equal(["done"]);
    }
    expect(await world.store.hosts.claimTotals()).to.deep.equal([]);
  });

  it("answer a repeated create alike when its flavor is gone by now", async () => {
    await world.host("a");
    const { admin, demo } = world;
    await admin.flavor.create({ name: "small", vcpus: 1, memoryMib: 128, diskGib: 0 });
    const request = { name: "web", flavor: "small", image: "tiny" };
    const first = await demo.instance.create(request, { requestId: "c" });
    await admin.flavor.delete("small", {});
    // The controllers answer in turn, so one that never saw the flavor answers too.
    for (let controller = 0; controller < 3; controller += 1) {
      expect(await demo.instance.create(request, { requestId: "c" })).to.deep.equal(first);
      const other = await refused(demo.instance.create({ ...request, name: "db" }, { requestId: "c" }));
      expect(other.reason).to.equal("requestIdReused");
    }
  });
});

/** Polls until the condition holds; the spec's own time-out is the limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits until nothing is left to do for an instance, by watching its events. */
async function settled(world: World, id: string): Promise<void> {
  for (let after = 0; ; ) {
    const row = await world.store.instances.get(id);
    if (row?.instance.settled === true) return;
    const page = await world.admin.event.list({ after, waitMs: 1000 }, { timeoutMs: 5000 });
    after = page.last;
  }
}
