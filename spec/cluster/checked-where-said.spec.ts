/**
 * What operators say is checked where they say it: extra specs, metadata that filters read, names of
 * projects, zones that instances have asked for. From outside, with a controller on a memory bus.
 */
import { expect } from "chai";
import { refused, until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const small = { flavor: "tiny", image: "tiny", wait: true } as const;

describe("what operators say", function () {
  this.timeout(30_000);
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ projects: ["demo", "other"] });
  });
  afterEach(() => world.stop());

  it("of flavors is refused when nobody would keep it, before any tenant meets it", async () => {
    const create = (name: string, extraSpecs: Record<string, string>) =>
      world.admin.flavor.create({ name, vcpus: 2, memoryMib: 128, diskGib: 0, extraSpecs });
    const error = await refused(create("typo", { "hw:cpu_polcy": "dedicated" }));
    expect([error.reason, error.message]).to.deep.equal([
      "schemaMismatch",
      "The field extraSpecs has hw:cpu_polcy, which nothing here keeps (did you mean hw:cpu_policy?).",
    ]);
    expect((await refused(create("word", { "hw:cpu_policy": "dedicatd" }))).message).to.contain(
      "dedicated or",
    );
    const { flavor } = await create("good", { "hw:cpu_policy": "shared", ssd: "true", "acme:x": "1" });
    expect(flavor.extraSpecs).to.deep.equal({ "hw:cpu_policy": "shared", ssd: "true", "acme:x": "1" });
    expect((await world.admin.flavor.list({})).flavors.map(({ name }) => name)).to.deep.equal([
      "tiny",
      "good",
    ]);
  });

  it("of aggregates is refused when no filter or weigher could read it, made or changed", async () => {
    const { admin } = world;
    const wrong = { freeRam_weight_multiplier: "NaN" };
    for (const attempt of [
      () => admin.aggregate.create({ name: "rack", metadata: wrong }),
      () => admin.aggregate.set("rack", { metadata: wrong }),
    ]) {
      const { reason, message } = await refused(attempt());
      expect([reason, message]).to.deep.equal([
        "schemaMismatch",
        'The field metadata has freeRam_weight_multiplier "NaN", which is no number from -1000000 to 1000000.',
      ]);
      await admin.aggregate.create({ name: "rack" }, { requestId: "made" });
    }
    const kept = await refused(admin.aggregate.set("rack", { metadata: { filter_tenant_id: "demo, othr" } }));
    expect(kept.message).to.contain("there is no project othr (did you mean other?)");
    const metadata = { filter_tenant_id: "demo, other", max_io_ops_per_host: "8", any: "NaN" };
    expect((await admin.aggregate.set("rack", { metadata })).aggregate.metadata).to.deep.equal(metadata);
    const without = await admin.aggregate.set("rack", { metadata: { filter_tenant_id: null, any: null } });
    expect(without.aggregate.metadata).to.deep.equal({ max_io_ops_per_host: "8" });
  });

  it("of quotas is about projects that there are", async () => {
    const { admin, store } = world;
    for (const attempt of [
      () => admin.quota.set("dmeo", { instances: 3 }),
      () => admin.quota.show("dmeo", {}),
    ]) {
      const { reason, message } = await refused(attempt());
      expect([reason, message]).to.deep.equal([
        "projectNotFound",
        "There is no project dmeo: there are demo, other. Did you mean demo?",
      ]);
    }
    for (const project of ["demo", "admin"]) await admin.quota.set(project, { instances: 3 });
    // One that is not configured any more, and has still a limit of its own.
    await store.commit({ quotas: [{ project: "gone", instances: 0 }] });
    expect((await admin.quota.show("gone", {})).quota.limits.instances).to.equal(0);
    await admin.quota.set("gone", { instances: null });
    expect((await refused(admin.quota.show("gone", {}))).reason).to.equal("projectNotFound");
  });

  it("of quotas is believed where not all projects are known", async () => {
    const open = await controllerWorld();
    try {
      expect((await open.admin.quota.set("any", { instances: 3 })).quota.limits.instances).to.equal(3);
    } finally {
      await open.stop();
    }
  });
});

describe("a zone that instances have asked for", function () {
  this.timeout(30_000);
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
    for (const id of ["a", "b"]) await world.host(id);
    await world.admin.aggregate.create({ name: "north", availabilityZone: "z1" });
    for (const host of ["a", "b"]) await world.admin.aggregate.addHost("north", { host });
  });
  afterEach(() => world.stop());

  const create = (name: string, availabilityZone: string) =>
    until(
      () =>
        world.demo.instance.create({ ...small, name, availabilityZone }).then(
          ({ instance }) => instance,
          () => undefined,
        ),
      (instance) => instance !== undefined,
    );

  it("is not taken from them by any change of its aggregate; the refusal names them", async () => {
    const instance = await create("web", "z1");
    const { admin } = world;
    const host = instance?.hostId ?? "";
    const other = host === "a" ? "b" : "a";
    const said =
      `The zone z1 cannot be changed there, for an instance has asked for it: web (${instance?.id}). ` +
      "Drain their hosts to others of the zone (novact host drain), or delete them.";
    for (const change of [
      () => admin.aggregate.removeHost("north", { host }),
      () => admin.aggregate.set("north", { availabilityZone: "z2" }),
      () => admin.aggregate.set("north", { availabilityZone: null }),
    ]) {
      const error = await refused(change());
      expect([error.reason, error.message]).to.deep.equal(["inUse", said]);
    }
    await admin.aggregate.removeHost("north", { host: other });
    await world.demo.instance.delete(instance?.id ?? "", { wait: true });
    await admin.aggregate.set("north", { availabilityZone: "z2" });
  });

  it("is where a create comes, also when a host has left the zone a moment ago", async () => {
    const { admin, demo } = world;
    for (const name of ["one", "two", "three", "four"]) {
      await admin.aggregate.removeHost("north", { host: "a" });
      const made = await demo.instance.create({ ...small, name, availabilityZone: "z1" });
      expect(made.instance.hostId).to.equal("b");
      await admin.aggregate.addHost("north", { host: "a" });
      await until(
        () =>
          demo.instance.explainCreate({ name: "x", flavor: "tiny", image: "tiny", availabilityZone: "z1" }),
        ({ hosts }) => hosts.every(({ fits }) => fits),
      );
    }
  });
});

describe("a flavor that is too small for an image", () => {
  it("is refused with the smallest that would do, or that there is none", async () => {
    const world = await controllerWorld();
    try {
      const { admin, demo } = world;
      const create = (image: string) => refused(demo.instance.create({ name: "own", flavor: "tiny", image }));
      const register = (name: string, memoryMibMin: number) =>
        admin.image.register({ name, kernel: { path: "/kernel" }, properties: { memoryMibMin } });
      await register("big", 512);
      await register("huge", 8_192);
      expect((await create("big")).message).to.equal(
        "The image big needs 512 MiB of memory; the flavor tiny has 128 MiB. No flavor has as much: an operator can make one.",
      );
      for (const [name, memoryMib] of [
        ["large", 2_048],
        ["standard", 1_024],
        ["small", 256],
      ] as const)
        await admin.flavor.create({ name, vcpus: 1, memoryMib, diskGib: 10 });
      expect((await create("big")).message).to.contain("The smallest that has as much is standard.");
      expect((await create("huge")).message).to.contain("No flavor has as much");
    } finally {
      await world.stop();
    }
  }).timeout(30_000);
});
