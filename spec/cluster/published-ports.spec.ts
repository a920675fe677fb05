/** Published ports from outside: a port of hosts is one instance's, until no host has anything of it. */
import { expect } from "chai";
import { refused } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";
import { networkedDrivers } from "../support/host-drivers.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const drivers = networkedDrivers();
const wanted = { name: "vm", flavor: "tiny", image: "tiny" };
const on = (network: string) => ({ ...wanted, networks: [{ network }] });
const web = { hostPort: 8_080, port: 80 };

describe("published ports", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
    await world.host("a", { drivers });
    for (const project of ["demo", "other"] as const) {
      await world[project].network.create({ name: "net" });
      await world[project].subnet.create({ name: "of net", network: "net", cidr: "10.0.0.0/29" });
    }
  });
  afterEach(() => world.stop());

  const publishedOf = async () => (await world.demo.publishedPort.list({})).publishedPorts;
  const reasonOf = async (promise: Promise<unknown>) => (await refused(promise)).reason;

  it("are made with their instance, and gone with it", async () => {
    const { instance } = await world.demo.instance.create({ ...on("net"), publish: [web], wait: true });
    const [{ portId = "" } = {}] = instance.interfaces ?? [];
    const [published, ...others] = await publishedOf();
    expect(others).to.deep.equal([]);
    expect(published).to.deep.include({
      ...{ name: "8080", project: "demo", hostPort: 8_080, protocol: "tcp", address: "127.0.0.1" },
      ...{ portId, port: 80 },
    });
    expect((await world.demo.publishedPort.list({ portId })).publishedPorts).to.deep.equal([published]);
    await world.demo.instance.delete(instance.id, { wait: true });
    expect(await publishedOf()).to.deep.equal([]);
  });

  it("are of one instance in the cell, whatever its project, and free when they are taken back", async () => {
    await world.demo.instance.create({ ...on("net"), publish: [web] });
    const create = () => world.other.instance.create({ ...on("net"), publish: [{ ...web, port: 443 }] });
    const taken = await refused(create());
    expect([taken.reason, taken.code]).to.deep.equal(["hostPortTaken", "ALREADY_EXISTS"]);
    expect((await world.other.instance.list({})).instances).to.deep.equal([]);
    expect(await reasonOf(world.other.publishedPort.get("8080", {}))).to.equal("notFound");
    await world.demo.publishedPort.delete("8080", {});
    await create();
    expect(await publishedOf()).to.deep.equal([]);
  });

  it("are none that a server of the cluster listens on, and none that any program may get", async () => {
    await world.stop();
    world = await controllerWorld({ hostPortsReserved: new Set([4_222]) });
    await world.host("a", { drivers });
    await world.demo.network.create({ name: "net" });
    await world.demo.subnet.create({ name: "of net", network: "net", cidr: "10.0.0.0/29" });
    const nats = { hostPort: 4_222, port: 4_222 };
    const taken = await refused(world.demo.instance.create({ ...on("net"), publish: [nats] }));
    expect([taken.reason, taken.message]).to.deep.equal([
      "hostPortTaken",
      "The port 4222 of hosts is for a server of the cluster.",
    ]);
    const { instance } = await world.demo.instance.create(on("net"));
    const networkPort = instance.interfaces?.[0]?.portId ?? "";
    expect(await reasonOf(world.demo.publishedPort.create({ networkPort, ...nats }))).to.equal(
      "hostPortTaken",
    );
    const high = { networkPort, hostPort: 32_768, port: 80 };
    expect(await reasonOf(world.demo.publishedPort.create(high))).to.equal("schemaMismatch");
  });

  it("of many creates at once are exactly one's", async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => world.demo.instance.create({ ...on("net"), publish: [web] })),
    );
    const reasons = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason.reason] : []));
    expect(reasons).to.deep.equal(Array.from({ length: 4 }, () => "hostPortTaken"));
    expect((await world.demo.port.list({})).ports, "no port is left of a refused one").to.have.length(1);
  });

  it("are published later, too, and of their own project's ports alone", async () => {
    const { instance } = await world.demo.instance.create({ ...on("net"), wait: true });
    const networkPort = instance.interfaces?.[0]?.portId ?? "";
    const { publishedPort } = await world.demo.publishedPort.create({ networkPort, ...web });
    expect(publishedPort).to.include({ portId: networkPort, project: "demo" });
    const { create } = world.demo.publishedPort;
    expect(await reasonOf(create({ networkPort, ...web, hostPort: 8_081 }))).to.equal("hostPortTaken");
    expect(await reasonOf(create({ networkPort, ...web, port: 81 }))).to.equal("hostPortTaken");
    const foreign = world.other.publishedPort.create({ networkPort, hostPort: 8_082, port: 81 });
    expect(await reasonOf(foreign)).to.equal("notFound");
    await world.admin.publishedPort.create({ networkPort, hostPort: 8_083, port: 83 });
    expect((await publishedOf()).map(({ project }) => project)).to.deep.equal(["demo", "demo"]);
  });

  it("need an instance with an address of IPv4 in a subnet with a gateway", async () => {
    await world.demo.network.create({ name: "lonely" });
    await world.demo.subnet.create({ name: "l", network: "lonely", cidr: "10.1.0.0/29", gateway: null });
    await world.demo.network.create({ name: "six" });
    await world.demo.subnet.create({ name: "s", network: "six", cidr: "fd00::/64" });
    const publish = [web];
    for (const networks of [undefined, [], [{ network: "lonely" }], [{ network: "six" }]])
      expect(
        await reasonOf(world.demo.instance.create({ ...wanted, ...(networks && { networks }), publish })),
      ).to.equal("notPublishable");
    const networks = [{ network: "six" }, { network: "lonely" }, { network: "net" }];
    const { instance } = await world.demo.instance.create({ ...wanted, networks, publish });
    expect((await publishedOf()).map(({ portId }) => portId)).to.deep.equal([
      instance.interfaces?.[2]?.portId,
    ]);
    const { port } = await world.demo.port.create({ network: "net" });
    const unplugged = world.demo.publishedPort.create({ networkPort: port.id, hostPort: 9_000, port: 1 });
    expect(await reasonOf(unplugged)).to.equal("notPublishable");
  });

  it("are refused where they could not be one instance's, or would be everybody's", async () => {
    const faults: readonly object[] = [
      { publish: [web], count: 2 },
      { publish: [web, { hostPort: 8_080, port: 81 }] },
      { publish: [web, { hostPort: 8_081, port: 80 }] },
      { publish: [{ ...web, address: "0.0.0.0" }] },
      { publish: [{ ...web, hostPort: 80 }] },
    ];
    for (const fault of faults)
      expect(await reasonOf(world.demo.instance.create({ ...on("net"), ...fault }))).to.equal(
        "schemaMismatch",
      );
    expect(await publishedOf()).to.deep.equal([]);
  });

  it("of a project have a limit", async () => {
    await world.admin.quota.set("demo", { publishedPorts: 1 });
    const publish = [web, { hostPort: 8_081, port: 81 }];
    expect(await reasonOf(world.demo.instance.create({ ...on("net"), publish }))).to.equal("quotaExceeded");
    await world.demo.instance.create({ ...on("net"), publish: [web] });
  });
});
