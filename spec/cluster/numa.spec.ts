/**
 * Pinned CPUs, NUMA nodes and huge pages from outside: a client, a memory bus, a memory store, and hosts that
 * do what the test says.
 */
import { expect } from "chai";
import { until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";
import { boundHosts, dedicated, nodes, pinnedRush, type World } from "../support/pinned-rush.ts";

describe("guests with CPUs, NUMA nodes or pages of their own", function () {
  this.timeout(30_000);
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
  });
  afterEach(() => world.stop());

  const flavor = (name: string, extraSpecs: Record<string, string>, vcpus = 1) =>
    world.admin.flavor.create({ name, vcpus, memoryMib: 512, diskGib: 0, extraSpecs });
  const create = (name: string, wait = true) =>
    world.demo.instance.create({ name, flavor: name, image: "tiny", wait });
  const claimed = async (key = "h0") => {
    const { host } = await world.admin.host.get(key, {});
    return [host.pinnedCpus, host.numaClaimed];
  };
  const use = (pinnedCpus: number, memoryMib: number, pages = 0) => ({
    pinnedCpus,
    memoryMib,
    hugePages: pages === 0 ? [] : [{ sizeKib: 2_048, claimed: pages }],
  });

  for (const round of [1, 2, 3, 4, 5])
    it(`never give a CPU twice, however many are made at once (${round} of 5)`, () => pinnedRush(world));

  it("are told to their host with what they have there, which is free again when they are gone", async () => {
    const host = await world.host("h0", { vcpus: 32, numa: nodes });
    await flavor("wide", { ...dedicated, "hw:numa_nodes": "2", "hw:mem_page_size": "2MB" }, 2);
    await flavor("plain", {});
    const { instance } = await create("wide");
    await create("plain");
    const [wide, plain] = host.ensured.map(({ spec }) => spec);
    const half = { vcpus: 1, memoryMib: 256, pageKib: 2_048 };
    const placed = { dedicated: true, nodes: [0, 1].map((node) => ({ node, ...half })) };
    expect(wide?.numa).to.deep.equal(placed);
    expect(plain?.numa).to.equal(null);
    expect(await claimed()).to.deep.equal([2, [use(1, 0, 128), use(1, 0, 128)]]);
    await world.demo.instance.delete(instance.id, { wait: true });
    expect(await claimed()).to.deep.equal([0, []]);
  });

  it("are built on another host, in its NUMA nodes, when the first could not", async () => {
    const broken = await world.host("h0", {
      ...{ vcpus: 32, numa: nodes },
      outcome: () => ({ state: "failed", reason: "guestFailed", message: "It broke." }),
    });
    // Less memory, so that h1 is ranked second.
    await world.host("h1", { vcpus: 32, memoryMib: 600, numa: nodes });
    await flavor("pinned", dedicated);
    const { instance } = await create("pinned");
    expect(instance.hostId).to.equal("h1");
    expect(broken.ensured[0]?.spec.numa?.nodes).to.deep.equal([{ node: 0, vcpus: 1, memoryMib: 512 }]);
    expect(await claimed("h0")).to.deep.equal([0, []]);
    expect(await claimed("h1")).to.deep.equal([1, [use(1, 512)]]);
  });

  it("have NUMA nodes of another host when theirs is fenced, and leave nothing claimed there", async () => {
    const said = { vcpus: 32, numa: nodes };
    const first = await world.host("h0", said);
    await flavor("pinned", { ...dedicated, "hw:mem_page_size": "large" }, 2);
    const { instance } = await create("pinned");
    const second = await world.host("h1", said);
    first.silent = true;
    await world.admin.host.fence("h0", { confirm: "host-h0", reason: "It burnt.", force: true });
    const recovery = async () => {
      const list = await world.demo.operation.list({ instanceId: instance.id });
      return list.operations.find(({ kind }) => kind === "recover");
    };
    const { id = "" } = (await until(recovery, (found) => found !== undefined)) ?? {};
    const ended = await world.demo.operation.get(id, { waitMs: 10_000 });
    expect(ended.operation.state).to.equal("done");
    expect(await claimed("h0")).to.deep.equal([0, []]);
    expect(await claimed("h1")).to.deep.equal([2, [use(2, 0, 256)]]);
    expect(second.ensured[0]?.spec.numa?.nodes[0]).to.include({ node: 0, pageKib: 2_048 });
  });

  it("go to no host whose agent does not know how to bind them", async () => {
    await world.host("h0", { vcpus: 32, numa: nodes, knows: ["lease"] });
    await flavor("pinned", dedicated);
    const denied = await create("pinned").catch((error: unknown) => error);
    expect(String(denied)).to.contain("no guest can have some to itself");
    const { hosts } = await world.demo.instance.explainCreate({
      ...{ name: "m", flavor: "pinned", image: "tiny" },
    });
    expect(hosts[0]?.filters.numa).to.contain("its agent cannot bind guests to them");
    await world.host("h0", { vcpus: 32, numa: nodes });
    await create("pinned");
    expect(await claimed()).to.deep.equal([1, [use(1, 512)]]);
  });

  it("leave their host full, and known, when it comes back with less than they have", async () => {
    await boundHosts(world, 1);
    await flavor("pinned", { ...dedicated, "hw:mem_page_size": "2MB" }, 2);
    await create("pinned");
    const before = await claimed();
    for (const change of [
      { numa: [] },
      { knows: ["lease"] },
      { numa: [{ ...nodes[0], vcpus: 1, memoryMib: 64, hugePages: [] }] },
      { vcpus: 1 },
    ]) {
      await world.host("h0", { vcpus: 32, numa: nodes, ...change });
      expect(await claimed(), JSON.stringify(change)).to.deep.equal(before);
      const second = await create("pinned").catch((error: unknown) => error);
      expect(second, JSON.stringify(change)).to.include({ reason: "noValidHost" });
    }
    const { findings } = await world.admin.doctor.examine({});
    expect(findings.filter(({ kind }) => kind === "drift")).to.deep.equal([]);
  });

  it("keep guests away that share CPUs, as far as these need them", async () => {
    await world.host("h0", { vcpus: 8, numa: nodes });
    await flavor("pinned", dedicated, 2);
    await flavor("plain", {}, 5);
    await create("pinned");
    const refused = await create("plain").catch((error: unknown) => error);
    expect(String(refused)).to.contain("5 vCPUs are asked for, 4 are free beside 2 CPUs of guests' own");
  });
});

describe("images with properties in Nova's names", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld();
  });
  afterEach(() => world.stop());

  it("go to hosts with the traits and machine types that they require, and say so to the host", async () => {
    await world.host("h0", { features: ["avx"], machineTypes: ["q35"] });
    const extra = { "trait:HW_CPU_X86_AVX2": "required", hw_machine_type: "q35" };
    const kernel = { path: "/kernel" };
    const { image } = await world.admin.image.register({ name: "avx2", kernel, properties: { extra } });
    expect(image.properties.extra).to.deep.equal(extra);
    expect((await world.demo.image.get("avx2", {})).image.properties.extra).to.deep.equal(extra);
    const create = () => world.demo.instance.create({ name: "m", flavor: "tiny", image: "avx2", wait: true });
    const refused = await create().catch((error: unknown) => error);
    expect(String(refused)).to.contain("the host lacks HW_CPU_X86_AVX2");
    const host = await world.host("h1", { features: ["avx2"], machineTypes: ["pc-q35-7.2", "q35"] });
    const { instance } = await create();
    expect(instance.hostId).to.equal("h1");
    expect(host.ensured[0]?.spec.machineType).to.equal("q35");
  });

  it("are refused when what they say contradicts itself, before a file is read", async () => {
    const properties = { architecture: "x86_64", extra: { hw_architecture: "aarch64" } } as const;
    const asked = { name: "odd", kernel: { path: "/kernel" }, properties };
    const refused = await world.admin.image.register(asked).catch((error: unknown) => error);
    expect(refused).to.include({ code: "INVALID_ARGUMENT" });
  });
});
