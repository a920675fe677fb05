/** Instances on networks: ports of the create's own commit, held until no host has anything of them. */
import { expect } from "chai";
import { rowRemoved } from "../../actors/control/request/row-changes.ts";
import { MemoryStore } from "../../db/memory/store.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import { plug, port } from "../../protocol/port.ts";
import type { Resource } from "../../protocol/wire/resource.ts";
import { refused, until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const drivers: HostDrivers = {
  ...{ hypervisor: "fake", disks: "fake", network: "fake", volumes: null },
  abilities: {
    ...{ networks: ["tap"], volumes: [], hotPlug: false, liveMigration: false, console: true, save: false },
  },
};

describe("instances on networks", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
  });
  afterEach(() => world.stop());

  const wanted = { name: "vm", flavor: "tiny", image: "tiny" };
  const networkOf = async (name: string, cidr: string) => {
    const { network } = await world.demo.network.create({ name });
    await world.demo.subnet.create({ name: `of ${name}`, network: network.id, cidr });
    return network;
  };
  const portsOf = async () => (await world.demo.port.list({})).ports;

  it("have a port on each, with an address, made with them and gone with them", async () => {
    const host = await world.host("a", { drivers });
    const one = await networkOf("one", "10.0.0.0/29");
    const two = await networkOf("two", "fd00::/64");
    const { instance } = await world.demo.instance.create({
      ...{ ...wanted, networks: [{ network: "one" }, { network: two.id }], wait: true },
    });
    const ports = await portsOf();
    expect(instance.interfaces).to.deep.equal(
      ports.map(({ id: portId, networkId, mac, addresses }) => ({ portId, networkId, mac, addresses })),
    );
    const [v4, v6] = instance.interfaces?.flatMap(({ addresses }) => addresses) ?? [];
    expect(v4?.address).to.match(/^10\.0\.0\.[2-6]$/);
    expect(v6?.address).to.match(/^fd00::/);
    for (const port of ports)
      expect(port).to.include({ device: "instance", deviceId: instance.id, deleteWithInstance: true });
    expect(ports.flatMap(({ securityGroupIds }) => securityGroupIds)).to.have.length(2);
    expect(host.ensured[0]?.spec.interfaces).to.deep.equal(
      ports.map(({ id: portId, networkId, mac }) => ({ portId, networkId, mac, mtuBytes: 1_450 })),
    );
    expect((await refused(world.demo.port.delete(ports[0]?.id ?? "", {}))).reason).to.equal("inUse");
    expect((await refused(world.demo.network.delete(one.id, {}))).reason).to.equal("inUse");
    const gone = (await world.demo.instance.delete(instance.id, { wait: true })).instance;
    expect([gone.state, gone.interfaces, await portsOf()]).to.deep.equal(["deleted", [], []]);
    const { events } = await world.demo.event.list({ after: 0, nouns: ["port"] });
    expect(events.map(({ event, id }) => [event, id])).to.deep.equal([
      ...ports.map(({ id }) => ["created", id]),
      ...ports.map(({ id }) => ["deleted", id]),
    ]);
  });

  it("keep their addresses while a silent host may have them, though they are deleted for their users", async () => {
    const host = await world.host("a", { drivers });
    await networkOf("one", "10.0.0.0/30");
    const { instance } = await world.demo.instance.create({
      ...wanted,
      networks: [{ network: "one" }],
      wait: true,
    });
    host.silent = true;
    await world.demo.instance.delete(instance.id, {});
    const full = await refused(world.demo.port.create({ network: "one" }));
    expect([full.reason, full.details]).to.deep.include("subnetFull");
    host.silent = false;
    await world.demo.instance.delete(instance.id, { wait: true });
    const { port } = await world.demo.port.create({ network: "one" });
    expect(port.addresses.map(({ address }) => address)).to.deep.equal(["10.0.0.2"]);
  });

  const fenceOf = { confirm: "host-a", reason: "It burnt.", force: true };
  const deletedOn = async (host: Awaited<ReturnType<World["host"]>>, has: object = {}) => {
    await host.lease(1);
    await networkOf("one", "10.0.0.0/30");
    const asked = { ...wanted, ...has, networks: [{ network: "one" }], wait: true };
    const { instance } = await world.demo.instance.create(asked);
    host.silent = true;
    await world.demo.instance.delete(instance.id, {});
    return instance;
  };

  it("give their addresses back when a fence proves that their guest runs no more", async () => {
    const instance = await deletedOn(await world.host("a", { drivers }));
    expect(await portsOf()).to.have.length(1);
    await world.admin.host.fence("a", fenceOf);
    await until(portsOf, (ports) => ports.length === 0);
    const { port } = await world.demo.port.create({ network: "one" });
    expect(port.addresses.map(({ address }) => address)).to.deep.equal(["10.0.0.2"]);
    const { operations } = await world.demo.operation.list({ noun: "instance", entityId: instance.id });
    expect(operations.map(({ kind, state }) => [kind, state])).to.deep.equal([
      ["create", "done"],
      ["delete", "done"],
    ]);
  });

  it("keep them where no fence stops their guest, say so, and give them back when their host is removed", async () => {
    await world.admin.flavor.create({ name: "small", vcpus: 1, memoryMib: 128, diskGib: 1 });
    await world.admin.image.register({ name: "disk", disk: { path: "/d", format: "qcow2" } });
    const host = await world.host("a", { drivers });
    const { id } = await deletedOn(host, { flavor: "small", image: "disk" });
    await world.admin.host.fence("a", fenceOf);
    const may = "vm is deleted, but the host host-a is fenced and may run its guest";
    const freed = "when that host answers, or is removed as one that is off";
    const why = `${may}: its ports and addresses are free ${freed}.`;
    const [held] = await until(portsOf, ([port]) => port?.statusReason === why);
    expect(held?.status).to.equal("unknown");
    const waits = async () => (await world.demo.instance.explain(id, {})).waitingFor;
    await until(waits, (sentences) => sentences.join() === why);
    const findings = async () =>
      (await world.admin.doctor.examine({})).findings.map(({ message }) => message);
    const found =
      "It does not answer, and may run guests with the addresses of the 1 port of 1 deleted instance.";
    await until(findings, (messages) => messages.includes(found));
    await parked(id);
    expect(await portsOf()).to.deep.equal([held]);
    expect(await waits()).to.deep.equal([why]);
    await world.admin.host.remove("a", {});
    await until(portsOf, (ports) => ports.length === 0);
  });

  /** As after its deadline: for its users the instance is gone. */
  const parked = async (id: string) => {
    const loaded = await world.store.instances.load(id);
    if (loaded?.operation === undefined) throw new Error("It is being deleted.");
    const { instance, operation } = loaded;
    const gone = { deletedAtMs: 1, hostId: null, operationId: null, state: "deleted" } as const;
    const row = { ...instance, ...gone, version: instance.version + 1 };
    const ended = { ...operation, state: "done", endedAtMs: 1 } as const;
    const instances = [{ expectedVersion: instance.version, row }];
    expect((await world.store.commit({ instances, operations: [ended] })).kind).to.equal("committed");
  };

  it("take a port that is there, with its address, and leave it as it was", async () => {
    await world.host("a", { drivers });
    await networkOf("one", "10.0.0.0/29");
    const { port } = await world.demo.port.create({
      ...{ name: "mine", network: "one", addresses: [{ address: "10.0.0.5" }] },
    });
    const { instance } = await world.demo.instance.create({
      ...wanted,
      networks: [{ port: "mine" }],
      wait: true,
    });
    expect(instance.interfaces).to.deep.equal([
      { portId: port.id, networkId: port.networkId, mac: port.mac, addresses: port.addresses },
    ]);
    const taken = await refused(world.demo.instance.create({ ...wanted, networks: [{ port: port.id }] }));
    expect([taken.reason, taken.message]).to.deep.equal([
      "inUse",
      `The port mine belongs to the instance ${instance.id}.`,
    ]);
    await world.demo.instance.delete(instance.id, { wait: true });
    expect(await portsOf()).to.deep.equal([
      { ...port, status: "down", statusReason: "Nothing is plugged in." },
    ]);
  });

  it("are deleted when rows of their ports were removed by hand, and touch no port that another one has", async () => {
    const store = new MemoryStore(systemClock);
    await world.stop();
    world = await controllerWorld({ controllers: 2, store });
    await world.host("a", { drivers });
    await networkOf("one", "10.0.0.0/28");
    const networks = Array.from({ length: 4 }, () => ({ network: "one" }));
    const { instance } = await world.demo.instance.create({ ...wanted, networks, wait: true });
    const [noPlug, noPort, lost] = instance.interfaces?.map(({ portId }) => portId) ?? [];
    if (noPlug === undefined || noPort === undefined || lost === undefined) throw new Error("It has four.");
    const gone = (resource: Resource, ...ids: string[]) =>
      store.commit({ rows: ids.map((id) => rowRemoved(resource, { id })) });
    expect((await gone(plug, noPlug, noPort, lost)).kind).to.equal("committed");
    expect((await gone(port, noPort)).kind).to.equal("committed");
    const other = await world.demo.instance.create({ ...wanted, networks: [{ port: lost }], wait: true });
    const about = `instance ${instance.id}`;
    const told = async () =>
      (await world.admin.doctor.examine({})).findings.flatMap(({ subject, message }) =>
        subject === about ? [message] : [],
      );
    expect(await told()).to.deep.equal([
      `It is plugged into port ${noPlug}, which is held for nobody.`,
      `It is plugged into port ${noPort}, which is held for nobody.`,
      `It is plugged into port ${lost}, which is held for instance ${other.instance.id}.`,
    ]);
    const deleted = await world.demo.instance.delete(instance.id, { wait: true });
    expect([deleted.instance.state, deleted.operation.state]).to.deep.equal(["deleted", "done"]);
    expect((await portsOf()).map(({ id, deviceId }) => [id, deviceId])).to.deep.equal([
      [lost, other.instance.id],
    ]);
    expect(await told()).to.deep.equal([]);
  });

  it("get exactly as many addresses as there are, at once, and every refusal has the number", async () => {
    await world.host("a", { drivers, vcpus: 100, memoryMib: 100_000 });
    await networkOf("one", "10.0.0.0/28");
    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, () =>
        world.demo.instance.create({ ...wanted, networks: [{ network: "one" }] }),
      ),
    );
    const made = outcomes.flatMap((one) => (one.status === "fulfilled" ? one.value.instance : []));
    const refusals = outcomes.flatMap((one) => (one.status === "rejected" ? one.reason : []));
    const addresses = made.flatMap(({ interfaces }) => interfaces?.[0]?.addresses[0]?.address ?? []);
    expect([made.length, new Set(addresses).size]).to.deep.equal([13, 13]);
    for (const { reason, details } of refusals)
      expect({ reason, details }).to.deep.include({ reason: "subnetFull" });
    expect(refusals[0].details).to.include({ addresses: 13 });
  });

  it("are as many as find an address, where some are enough", async () => {
    await world.host("a", { drivers, vcpus: 100, memoryMib: 100_000 });
    await networkOf("one", "10.0.0.0/29");
    const asked = { ...wanted, count: 8, networks: [{ network: "one" }] };
    expect((await refused(world.demo.instance.create(asked))).reason).to.equal("subnetFull");
    const explained = await world.demo.instance.explainCreate({ ...asked, atLeast: 3 });
    expect(explained.placed?.map(({ instances }) => instances)).to.deep.equal([5]);
    expect(explained.rest?.reason).to.equal("subnetFull");
    const { all = [] } = await world.demo.instance.create({ ...asked, atLeast: 3 });
    expect(all).to.have.length(5);
    expect(await portsOf()).to.have.length(5);
  });

  it("are tried without a trace: a dry run makes no default group, and takes neither address nor turn", async () => {
    await world.host("a", { drivers });
    await networkOf("one", "10.0.0.0/29");
    const before = await world.store.events.lastSequence();
    const asked = { ...wanted, networks: [{ network: "one" }] };
    for (let round = 0; round < 2; round += 1) {
      const { placed, refusal } = await world.demo.instance.explainCreate(asked);
      expect([placed?.map(({ instances }) => instances), refusal]).to.deep.equal([[1], undefined]);
    }
    expect(await world.store.events.lastSequence()).to.equal(before);
    const { instance } = await world.demo.instance.create(asked);
    expect(instance.interfaces?.[0]?.addresses[0]?.address).to.equal("10.0.0.2");
  });

  it("may have no interface at all, and go only where a host can plug them in", async () => {
    await world.host("plain");
    const none = { ...wanted, networks: [] };
    expect((await refused(world.demo.instance.create(none))).reason).to.equal("noValidHost");
    const able = await world.host("able", { drivers });
    const { instance } = await world.demo.instance.create({ ...none, wait: true });
    expect([instance.interfaces, instance.hostName]).to.deep.equal([[], "host-able"]);
    expect(able.ensured[0]?.spec.interfaces).to.deep.equal([]);
    const before = await world.demo.instance.create({ ...wanted, wait: true });
    expect(before.instance.interfaces).to.equal(null);
  });

  it("are not placed on a host whose agent does not know of interfaces", async () => {
    await world.host("older", { drivers, knows: ["lease", "binding"] });
    const old = await refused(world.demo.instance.create({ ...wanted, networks: [] }));
    expect(old.reason).to.equal("noValidHost");
  });

  it("are refused what cannot be, in words", async () => {
    await world.host("a", { drivers });
    await networkOf("one", "10.0.0.0/29");
    await world.demo.port.create({ name: "mine", network: "one" });
    const reasons = await Promise.all(
      [
        { networks: [{}] },
        { networks: [{ network: "one", port: "mine" }] },
        { networks: [{ port: "mine" }, { port: "mine" }] },
        { networks: [{ port: "mine", address: "10.0.0.3" }] },
        { networks: [{ port: "mine" }], count: 2 },
        { networks: [{ network: "one", address: "10.0.0.3" }], count: 2 },
        { networks: [{ network: "one", address: "10.0.1.3" }] },
        { networks: [{ network: "one", address: "10.0.0.7" }] },
        { networks: [{ network: "one", address: "10.0.0.300" }] },
        { networks: [{ network: "none" }] },
        { networks: [{ port: "none" }] },
      ].map(async (more) => {
        const { reason, message } = await refused(world.demo.instance.create({ ...wanted, ...more }));
        return `${reason} ${message.split(" ").slice(0, 3).join(" ")}`;
      }),
    );
    const faults = Array(9).fill("schemaMismatch The field networks");
    expect(reasons).to.deep.equal([...faults, "notFound There is no", "notFound There is no"]);
    const foreign = await refused(world.other.instance.create({ ...wanted, networks: [{ network: "one" }] }));
    expect(foreign.reason).to.equal("notFound");
    expect(await portsOf()).to.have.length(1);
  });

  it("have no more ports than their project may", async () => {
    await world.host("a", { drivers, vcpus: 100, memoryMib: 100_000 });
    await networkOf("one", "10.0.0.0/24");
    await world.admin.quota.set("demo", { ports: 2 } as never);
    const asked = { ...wanted, count: 3, networks: [{ network: "one" }] };
    const commit = world.store.commit.bind(world.store);
    const portsMade: number[] = [];
    world.store.commit = (changes, ...rest) => {
      const made = (changes.rows ?? []).filter((one) => one.resource.noun === "port" && "made" in one);
      if (made.length > 0) portsMade.push(made.length);
      return commit(changes, ...rest);
    };
    const over = await refused(world.demo.instance.create(asked));
    expect([over.reason, over.message]).to.deep.equal([
      "quotaExceeded",
      "The project demo may have 2 ports; it has 0, and 3 more were asked for.",
    ]);
    const { all } = await world.demo.instance.create({ ...asked, atLeast: 1 });
    expect(all).to.have.length(2);
    // No commit has made more than there may be, to be refused: the other commits of the cell wait for it.
    expect(Math.max(...portsMade)).to.equal(2);
    await until(portsOf, (ports) => ports.length === 2);
  });

  it("keep their ports when their build fails, until they are deleted", async () => {
    await world.host("a", { drivers, outcome: () => ({ state: "failed", reason: "guestFailed" }) });
    await networkOf("one", "10.0.0.0/29");
    const { instance } = await world.demo.instance.create({
      ...wanted,
      networks: [{ network: "one" }],
      wait: true,
    });
    expect([instance.state, instance.interfaces?.length, (await portsOf()).length]).to.deep.equal([
      "failed",
      1,
      1,
    ]);
    await world.demo.instance.delete(instance.id, { wait: true });
    expect(await portsOf()).to.deep.equal([]);
  });
});
