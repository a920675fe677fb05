/**
 * Groups, quotas, zones and failing hosts from outside: a client, a memory bus, a memory store, and hosts
 * that do what the test says. The rules are the store's; how choices are made is the scheduler's own spec.
 */
import { expect } from "chai";
import { placementLimits } from "../../protocol/limits/placement.ts";
import { limitedResources, summedLimits } from "../../protocol/resources.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;
const many = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));

async function refused(attempt: Promise<unknown>): Promise<StatusError> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error("It was not refused.");
}

async function hosts(world: World, count: number): Promise<void> {
  await Promise.all(many(count, (n) => world.host(`h${n}`)));
}

/** Creates all at once; answers the outcome of each. */
async function rush(world: World, count: number, serverGroup: string) {
  const outcomes = await Promise.allSettled(
    many(count, (n) =>
      world.demo.instance.create({ name: `m${n}`, flavor: "tiny", image: "tiny", serverGroup }),
    ),
  );
  const made = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value.instance] : []));
  const errors = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason as StatusError] : []));
  return { made, errors };
}

describe("groups and quotas under a rush of creates", function () {
  this.timeout(60_000);
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
  });
  afterEach(() => world.stop());

  for (const round of many(20, (n) => n + 1)) {
    it(`gives exactly what the quota allows, each on a host of its own (${round} of 20)`, async () => {
      await hosts(world, 50);
      await world.admin.quota.set("demo", { instances: 40 });
      await world.demo.serverGroup.create({ name: "apart", policy: "anti-affinity" });
      const { made, errors } = await rush(world, 200, "apart");
      expect(made).to.have.length(40);
      expect(new Set(made.map(({ hostId }) => hostId)).size).to.equal(40);
      for (const error of errors) {
        expect(error).to.include({ reason: "quotaExceeded", code: "RESOURCE_EXHAUSTED" });
        expect(error.message).to.equal(
          "The project demo may have 40 instances; it has 40, and 1 more was asked for.",
        );
        expect(error.details).to.deep.equal({ resource: "instances", limit: 40, used: 40, asked: 1 });
      }
      expect((await world.demo.quota.get({})).quota.used).to.include({ instances: 40, vcpus: 40 });
    });
  }

  it("says beforehand where one would go, why not elsewhere and what would help, and makes nothing", async () => {
    await hosts(world, 2);
    await world.admin.host.disable("h1", { reason: "new disk" });
    const asked = { name: "m", flavor: "tiny", image: "tiny" };
    // The other controller reads of it within a second.
    const { hosts: verdicts } = await until(
      () => world.demo.instance.explainCreate(asked),
      ({ hosts: found }) => found.some(({ fits }) => !fits),
    );
    expect(verdicts.map(({ hostId, fits }) => [hostId, fits])).to.deep.equal([
      ["h0", true],
      ["h1", false],
    ]);
    expect(verdicts[1]?.filters.enabled).to.equal("the host is disabled");
    expect(verdicts[1]?.remedy).to.be.a("string");
    expect((await world.demo.instance.list({})).instances).to.deep.equal([]);
    const unknown = await refused(world.demo.instance.explainCreate({ ...asked, flavor: "none" }));
    expect(unknown.reason).to.equal("unknownFlavor");
  });

  it("gives one to each host when these are fewer than the quota, and says why not more", async () => {
    await hosts(world, 10);
    await world.demo.serverGroup.create({ name: "apart", policy: "anti-affinity" });
    const { made, errors } = await rush(world, 40, "apart");
    expect(new Set(made.map(({ hostId }) => hostId)).size).to.equal(10);
    expect(made).to.have.length(10);
    const reasons = new Set(errors.map(({ reason }) => reason));
    for (const reason of reasons) expect(reason).to.be.oneOf(["groupRuleBroken", "noValidHost"]);
    const { serverGroup } = await world.demo.serverGroup.get("apart", {});
    expect(serverGroup.members).to.have.members(made.map(({ id }) => id));
  });
});

describe("a controller with groups, quotas and zones", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld();
  });
  afterEach(() => world.stop());
  const create = (request: object = {}, project: "demo" | "other" | "admin" = "demo") =>
    world[project].instance.create({ name: "web", flavor: "tiny", image: "tiny", ...request });

  it("lets a project have so many server groups, and says what to do then", async () => {
    const make = (n: number, requestId = `r${n}`) =>
      world.demo.serverGroup.create({ name: `g${n}`, policy: "affinity" }, { requestId });
    await world.admin.quota.set("demo", { serverGroups: 10 });
    await Promise.all(many(10, (n) => make(n)));
    const error = await refused(make(5_000));
    expect(error).to.include({ code: "RESOURCE_EXHAUSTED", reason: "quotaExceeded" });
    expect(error.message).to.equal("The project may have 10 server groups, and 10 are there.");
    expect(error.retryAfterMs).to.equal(undefined);
    expect((await make(7)).serverGroup.name).to.equal("g7");
    await world.demo.serverGroup.delete("g7", {});
    expect((await make(5_001)).serverGroup.name).to.equal("g5001");
  });

  it("frees a deleted member's place, and removes a group only when it is empty", async () => {
    await hosts(world, 1);
    const { serverGroup } = await world.demo.serverGroup.create({ name: "apart", policy: "anti-affinity" });
    const { instance } = await create({ serverGroup: "apart", wait: true });
    expect(instance.serverGroupId).to.equal(serverGroup.id);
    expect((await refused(create({ serverGroup: serverGroup.id }))).code).to.equal("RESOURCE_EXHAUSTED");
    expect((await refused(world.demo.serverGroup.delete("apart", {}))).reason).to.equal("inUse");
    await world.demo.instance.delete(instance.id, { wait: true });
    expect((await create({ serverGroup: "apart", wait: true })).instance.state).to.equal("running");
    const [last] = (await world.demo.serverGroup.get("apart", {})).serverGroup.members;
    await world.demo.instance.delete(last ?? "", { wait: true });
    await world.demo.serverGroup.delete("apart", {});
    expect((await refused(create({ serverGroup: "apart" }))).reason).to.equal("serverGroupNotFound");
  });

  it("keeps the group's rule when a build goes elsewhere", async () => {
    await world.host("a");
    await world.demo.serverGroup.create({ name: "apart", policy: "anti-affinity" });
    const first = await create({ serverGroup: "apart", wait: true });
    const outcome = () => ({ state: "failed", reason: "hypervisorRefused", message: "no" }) as const;
    await world.host("bad", { outcome, vcpus: 32 });
    await world.host("c");
    const { instance } = await create({ serverGroup: "apart", wait: true });
    expect([first.instance.hostId, instance.hostId]).to.deep.equal(["a", "c"]);
  });

  it("shows a project its own groups only, and uses no other's", async () => {
    await hosts(world, 1);
    const { serverGroup } = await world.other.serverGroup.create({ name: "theirs", policy: "affinity" });
    for (const key of ["theirs", serverGroup.id]) {
      expect((await refused(world.demo.serverGroup.get(key, {}))).reason).to.equal("serverGroupNotFound");
      expect((await refused(world.demo.serverGroup.delete(key, {}))).reason).to.equal("serverGroupNotFound");
      expect((await refused(create({ serverGroup: key }))).reason).to.equal("serverGroupNotFound");
    }
    expect((await world.demo.serverGroup.list({})).serverGroups).to.deep.equal([]);
    expect((await world.admin.serverGroup.list({})).serverGroups).to.have.length(1);
    const { events } = await world.demo.event.list({ after: 0 });
    expect(events.filter(({ noun }) => noun === "server-group")).to.deep.equal([]);
    const { instance } = await create({}, "other");
    const hints = { hints: { sameHost: [instance.id] } };
    expect((await refused(create(hints))).reason).to.equal("instanceNotFound");
  });

  it("lets only operators set quotas, and projects see their own", async () => {
    expect((await refused(world.demo.quota.set("demo", { instances: 1 }))).reason).to.equal("adminOnly");
    await world.admin.quota.setDefault({ vcpus: 4 });
    await world.admin.quota.set("demo", { instances: 2 });
    const { quota } = await world.demo.quota.get({});
    const each = <T>(value: (one: { readonly limit: { readonly most: number } }) => T) =>
      Object.fromEntries([
        ["imageBytes", value({ limit: { most: -1 } })],
        ...limitedResources.map((one) => [one.many, value(one)]),
        ...summedLimits.map((one) => [one.name, value({ limit: one })]),
      ]);
    expect(quota).to.deep.equal({
      project: "demo",
      limits: { instances: 2, vcpus: null, memoryMib: null, ...each(() => null) },
      effective: { instances: 2, vcpus: 4, memoryMib: -1, ...each(({ limit }) => limit.most) },
      used: { instances: 0, vcpus: 0, memoryMib: 0, ...each(() => 0) },
    });
    await world.admin.quota.set("demo", { instances: null });
    expect((await world.admin.quota.show("demo", {})).quota.effective).to.include({ instances: -1 });
  });

  it("makes all of many or none, and with atLeast as many as the quota and the hosts have room for", async () => {
    await world.host("a", { vcpus: 6 });
    expect((await refused(create({ count: 8 }))).reason).to.equal("noValidHost");
    expect((await refused(create({ count: 8, atLeast: 7 }))).reason).to.equal("noValidHost");
    const made = await create({ count: 8, atLeast: 2 });
    expect(made.all?.map(({ instance }) => instance.name)).to.deep.equal(many(6, (n) => `web-${n + 1}`));
    await world.host("b");
    await world.admin.quota.set("demo", { vcpus: 9 });
    expect((await refused(create({ count: 4 }))).reason).to.equal("quotaExceeded");
    expect((await refused(create({ count: 5, atLeast: 4 }))).reason).to.equal("quotaExceeded");
    expect((await create({ count: 4, atLeast: 1 })).all).to.have.length(3);
    expect((await refused(create({ count: 2, atLeast: 3 }))).reason).to.equal("schemaMismatch");
    expect((await refused(create({ atLeast: 1 }))).reason).to.equal("schemaMismatch");
  });

  it("judges the quota of many before it asks for hosts, and the default where the project has none", async () => {
    expect((await refused(create({ count: 4 }))).reason).to.equal("noValidHost");
    await world.admin.quota.setDefault({ vcpus: 3 });
    const error = await refused(create({ count: 4 }));
    expect(error).to.include({ code: "RESOURCE_EXHAUSTED", reason: "quotaExceeded" });
    expect(error.details).to.deep.include({ resource: "vcpus", limit: 3, used: 0, asked: 4 });
    expect((await refused(create({ count: 4, atLeast: 2 }))).reason).to.equal("noValidHost");
    await world.admin.quota.set("demo", { vcpus: -1, instances: 3 });
    expect((await refused(create({ count: 4 }))).details).to.include({ resource: "instances" });
  });

  it("answers a repeated create as the first time, also when the quota is used up by then", async () => {
    await world.host("a");
    await world.admin.quota.set("demo", { instances: 1 });
    const request = { name: "web", flavor: "tiny", image: "tiny" };
    const first = await world.demo.instance.create(request, { requestId: "r1" });
    expect(await world.demo.instance.create(request, { requestId: "r1" })).to.deep.equal(first);
    expect((await refused(create())).reason).to.equal("quotaExceeded");
  });

  it("makes a thousand at once, and names all of them", async function () {
    this.timeout(60_000);
    const capacity = 400;
    await Promise.all(many(3, (n) => world.host(`h${n}`, { vcpus: capacity, memoryMib: capacity * 128 })));
    const { all = [], more = [] } = await create({ count: placementLimits.createCountMax, wait: true });
    expect([all.length, more.length]).to.deep.equal([100, 900]);
    expect(all.every(({ instance }) => instance.state === "running")).to.equal(true);
    const ids = [...all.map(({ instance }) => instance.id), ...more.map(({ instanceId }) => instanceId)];
    expect(new Set(ids).size).to.equal(1_000);
    const last = await world.demo.operation.get(more.at(-1)?.operationId ?? "", {});
    expect(last.operation).to.include({ state: "done", instanceId: ids.at(-1) });
    expect((await world.demo.quota.get({})).quota.used.instances).to.equal(1_000);
  });

  it("refuses a zone that nobody knows, and lets only operators name the host", async () => {
    await hosts(world, 2);
    const zone = { availabilityZone: "z1" };
    expect((await refused(create(zone))).reason).to.equal("unknownAvailabilityZone");
    await world.admin.aggregate.create({ name: "racks", availabilityZone: "z1" });
    await world.admin.aggregate.addHost("racks", { host: "host-h1" });
    expect((await world.demo.availabilityZone.list({})).zones).to.deep.equal([
      { name: "nova", available: true },
      { name: "z1", available: true },
    ]);
    const [, seen] = (await world.admin.availabilityZone.list({})).zones;
    expect(seen?.hosts).to.deep.equal([{ id: "h1", name: "host-h1", enabled: true, alive: true }]);
    expect((await create(zone)).instance.availabilityZone).to.equal("z1");
    expect((await refused(create({ host: "h1" }))).reason).to.equal("adminOnly");
    expect((await refused(create({ host: "h9" }, "admin"))).reason).to.equal("hostNotFound");
    const { host } = await world.admin.host.get("h1", {});
    expect(host).to.deep.include({ availabilityZone: "z1", labels: {} });
    expect(host.aggregates?.map(({ name }) => name)).to.deep.equal(["racks"]);
  });

  it("places where it was asked to: by zone, by host, with or without another, and many apart", async () => {
    await hosts(world, 4);
    await world.admin.aggregate.create({ name: "racks", availabilityZone: "z1" });
    await world.admin.aggregate.addHost("racks", { host: "h2" });
    const where = async (request: object, project: "demo" | "admin" = "demo") =>
      (await create(request, project)).instance.hostId;
    expect(await where({ availabilityZone: "z1" })).to.equal("h2");
    expect(await where({ availabilityZone: "nova" })).to.not.equal("h2");
    expect(await where({ host: "h3" }, "admin")).to.equal("h3");
    const { instance } = await create();
    expect(await where({ hints: { sameHost: [instance.id] } })).to.equal(instance.hostId);
    expect(await where({ hints: { differentHost: [instance.id] } })).not.to.equal(instance.hostId);
    await world.demo.serverGroup.create({ name: "apart", policy: "anti-affinity" });
    const { all = [] } = await create({ count: 4, serverGroup: "apart" });
    expect(new Set(all.map((one) => one.instance.hostId)).size).to.equal(4);
    expect((await refused(create({ serverGroup: "apart" }))).reason).to.equal("noValidHost");
    await world.demo.serverGroup.create({ name: "together", policy: "affinity" });
    const { all: near = [] } = await create({ count: 3, serverGroup: "together" });
    expect(new Set(near.map((one) => one.instance.hostId)).size).to.equal(1);
  });

  it("changes aggregates once for each request id, with an event, and refuses a second zone", async () => {
    await hosts(world, 1);
    const { admin } = world;
    await admin.aggregate.create({ name: "one", availabilityZone: "z1" });
    await admin.aggregate.create({ name: "two", availabilityZone: "z2" });
    const once = () => admin.aggregate.addHost("one", { host: "h0" }, { requestId: "r1" });
    expect(await once()).to.deep.equal(await once());
    const { reason, message } = await refused(admin.aggregate.addHost("two", { host: "h0" }));
    expect([reason, message]).to.deep.equal([
      "zoneConflict",
      "The host host-h0 would be in two availability zones.",
    ]);
    expect((await refused(admin.aggregate.delete("one", {}))).reason).to.equal("inUse");
    const { aggregate } = await admin.aggregate.set("two", {
      availabilityZone: null,
      metadata: { ssd: "true" },
    });
    expect(aggregate).to.deep.include({ availabilityZone: null, metadata: { ssd: "true" } });
    await admin.aggregate.addHost("two", { host: "h0" });
    expect((await refused(admin.aggregate.removeHost("two", { host: "h7" }))).reason).to.equal(
      "hostNotFound",
    );
    await admin.aggregate.removeHost("one", { host: "h0" });
    await admin.aggregate.delete("one", {});
    expect((await refused(admin.aggregate.get("one", {}))).reason).to.equal("aggregateNotFound");
    const { events } = await admin.event.list({ after: 0, noun: "aggregate" });
    expect(events.map(({ event }) => event)).to.deep.equal([
      ...["created", "created", "hostAdded", "changed", "hostAdded", "hostRemoved", "deleted"],
    ]);
  });
});
