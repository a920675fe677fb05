/** Routers and floating addresses from outside: what they lead to, and what holds what. */
import { expect } from "chai";
import { pictureOf } from "../../actors/control/networking/picture.ts";
import { refused } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";
import { networkedDrivers } from "../support/host-drivers.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const drivers = networkedDrivers({ networking: { publishes: false } });
const wanted = { name: "vm", flavor: "tiny", image: "tiny" };

describe("routers", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
    await world.host("a", { drivers });
    const { admin, demo } = world;
    await admin.network.create({ name: "public", external: true, physicalNetwork: "public" });
    const pools = [{ first: "192.0.2.10", last: "192.0.2.12" }];
    await admin.subnet.create({ name: "of-public", network: "public", cidr: "192.0.2.0/24", pools });
    for (const [name, cidr] of [
      ["front", "10.1.0.0/24"],
      ["back", "10.2.0.0/24"],
    ] as const) {
      await demo.network.create({ name });
      await demo.subnet.create({ name: `of-${name}`, network: name, cidr });
    }
    await demo.router.create({ name: "way", externalNetwork: "public" });
  });
  afterEach(() => world.stop());

  const reasonOf = async (promise: Promise<unknown>) => (await refused(promise)).reason;
  const addInterface = (name: string) => world.demo.router.addInterface("way", { subnet: `of-${name}` });
  const portOn = async (network: string) => (await world.demo.port.create({ network })).port;
  const told = async () => pictureOf(await world.store.networking.ofHost("a")).routers ?? [];

  it("have the addresses of gateways, by ports that go with their interfaces", async () => {
    const { router } = await addInterface("front");
    const [one, ...others] = router.interfaces;
    expect([one?.address, others]).to.deep.equal(["10.1.0.1", []]);
    const { port } = await world.demo.port.get(one?.portId ?? "", {});
    expect(port).to.deep.include({ device: "router", deviceId: router.id, mac: one?.mac });
    expect(await reasonOf(world.demo.port.delete(port.id, {}))).to.equal("inUse");
    expect(await reasonOf(world.demo.subnet.delete("of-front", {}))).to.equal("inUse");
    expect(await reasonOf(world.demo.subnet.set("of-front", { gateway: null }))).to.equal("inUse");
    expect(await reasonOf(world.demo.router.delete("way", {}))).to.equal("inUse");
    const after = await world.demo.router.removeInterface("way", { subnet: "of-front" });
    expect(after.router.interfaces).to.deep.equal([]);
    expect(await reasonOf(world.demo.port.get(port.id, {}))).to.equal("notFound");
    await world.demo.router.delete("way", {});
  });

  it("have the address of a port that is there, which stays", async () => {
    const port = await portOn("front");
    const { router } = await world.demo.router.addInterface("way", { port: port.id });
    expect(router.interfaces[0]?.address).to.equal(port.addresses[0]?.address);
    expect(await reasonOf(world.demo.router.addInterface("way", { port: port.id }))).to.equal("inUse");
    await world.demo.router.removeInterface("way", { port: port.id });
    expect((await world.demo.port.get(port.id, {})).port.device).to.equal(null);
  });

  it("lead to no two ranges that overlap, to no subnet twice, and to nobody else's", async () => {
    await addInterface("front");
    expect(await reasonOf(addInterface("front"))).to.equal("subnetOverlaps");
    await world.demo.network.create({ name: "third" });
    await world.demo.subnet.create({ name: "of-third", network: "third", cidr: "10.1.0.0/16" });
    expect(await reasonOf(addInterface("third"))).to.equal("subnetOverlaps");
    await world.demo.router.create({ name: "second" });
    const taken = world.demo.router.addInterface("second", { subnet: "of-front" });
    expect(await reasonOf(taken), "the gateway's address").to.equal("addressTaken");
    expect(await reasonOf(world.demo.router.addInterface("way", { subnet: "of-public" }))).to.equal(
      "adminOnly",
    );
    const { subnets } = await world.admin.subnet.list({ name: "of-public" });
    const outside = world.admin.router.addInterface((await world.demo.router.get("way", {})).router.id, {
      subnet: subnets[0]?.id ?? "",
    });
    expect(await reasonOf(outside)).to.equal("notRoutable");
    expect(await reasonOf(world.other.router.get("way", {}))).to.equal("notFound");
    const neither = world.demo.router.addInterface("way", {});
    expect(await reasonOf(neither)).to.equal("schemaMismatch");
  });

  it("lead outside to external networks only, and these stay external", async () => {
    expect(await reasonOf(world.demo.router.set("way", { externalNetwork: "front" }))).to.equal(
      "notExternal",
    );
    expect(await reasonOf(world.admin.network.set("public", { external: false }))).to.equal("inUse");
    const { router } = await world.demo.router.set("way", { externalNetwork: null });
    expect(router.externalNetworkId).to.equal(null);
    await world.admin.network.set("public", { external: false });
    const asked = world.demo.network.create({ name: "mine", physicalNetwork: "public" });
    expect(await reasonOf(asked)).to.equal("adminOnly");
  });

  it("have routes by neighbours in their subnets, which hold the interface", async () => {
    await addInterface("front");
    const route = { destination: "10.9.0.0/16", nextHop: "10.1.0.77" };
    const far = { ...route, nextHop: "10.2.0.77" };
    expect(await reasonOf(world.demo.router.set("way", { routes: [far] }))).to.equal("schemaMismatch");
    const { router } = await world.demo.router.set("way", { routes: [route] });
    expect(router.routes).to.deep.equal([route]);
    const removing = () => world.demo.router.removeInterface("way", { subnet: "of-front" });
    expect(await reasonOf(removing())).to.equal("inUse");
    await world.demo.router.set("way", { routes: [] });
    await removing();
  });

  it("tell hosts what is behind them, and which floating addresses their guests have", async () => {
    await addInterface("front");
    await addInterface("back");
    const { instance } = await world.demo.instance.create({
      ...wanted,
      networks: [{ network: "front" }],
      wait: true,
    });
    const [{ portId = "", addresses = [] } = {}] = instance.interfaces ?? [];
    const { floatingIp } = await world.demo.floatingIp.create({
      network: "public",
      target: { port: portId },
    });
    const target = { portId, address: addresses[0]?.address };
    expect(floatingIp.target).to.deep.include(target);
    const [router, ...others] = await told();
    expect(others).to.deep.equal([]);
    expect(router?.interfaces.map(({ address }) => address).sort()).to.deep.equal(["10.1.0.1", "10.2.0.1"]);
    expect(router?.outside).to.deep.include({ physicalNetwork: "public", snat: true });
    expect(router?.floating).to.deep.equal([
      { id: floatingIp.id, address: floatingIp.name, portId, target: target.address },
    ]);
    await world.demo.floatingIp.set(floatingIp.id, { target: null });
    expect((await told())[0]?.floating).to.deep.equal([]);
    await world.demo.floatingIp.set(floatingIp.id, { target: { port: portId } });
    await world.demo.instance.delete(instance.id, { wait: true });
    expect(await told()).to.deep.equal([]);
    const after = await world.demo.floatingIp.get(floatingIp.id, {});
    expect(after.floatingIp.target, "its port is gone with the instance").to.equal(null);
  });
});

describe("floating addresses", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
    const { admin, demo } = world;
    await admin.network.create({ name: "public", external: true, physicalNetwork: "public" });
    const pools = [{ first: "192.0.2.10", last: "192.0.2.12" }];
    await admin.subnet.create({ name: "of-public", network: "public", cidr: "192.0.2.0/24", pools });
    await demo.network.create({ name: "front" });
    await demo.subnet.create({ name: "of-front", network: "front", cidr: "10.1.0.0/24" });
    await demo.router.create({ name: "way", externalNetwork: "public" });
  });
  afterEach(() => world.stop());

  const reasonOf = async (promise: Promise<unknown>) => (await refused(promise)).reason;
  const create = async (given: object = {}) =>
    (await world.demo.floatingIp.create({ network: "public", ...given })).floatingIp;

  it("are given once each, as many as there are, and are free when they are given back", async () => {
    const all = [await create(), await create(), await create()];
    expect(all.map(({ name }) => name)).to.deep.equal(["192.0.2.10", "192.0.2.11", "192.0.2.12"]);
    expect(await reasonOf(create())).to.equal("subnetFull");
    const [first] = all;
    const { port } = await world.demo.port.get(first?.portId ?? "", {});
    expect(port).to.deep.include({ device: "floating-ip", deviceId: first?.id });
    expect(await reasonOf(world.demo.port.delete(port.id, {}))).to.equal("inUse");
    expect(await reasonOf(world.admin.network.delete("public", {}))).to.equal("inUse");
    await world.demo.floatingIp.delete(first?.id ?? "", {});
    expect(await reasonOf(world.demo.port.get(port.id, {}))).to.equal("notFound");
    expect((await create()).name).to.equal("192.0.2.10");
  });

  it("are chosen by operators alone, of external networks alone", async () => {
    expect(await reasonOf(create({ address: "192.0.2.99" }))).to.equal("adminOnly");
    const { floatingIp } = await world.admin.floatingIp.create({ network: "public", address: "192.0.2.99" });
    expect(floatingIp.name).to.equal("192.0.2.99");
    expect(await reasonOf(world.demo.floatingIp.create({ network: "front" }))).to.equal("notExternal");
  });

  it("lead where a router leads from the same network, one to each address", async () => {
    const { port } = await world.demo.port.create({ network: "front" });
    const target = { port: port.id };
    expect(await reasonOf(create({ target }))).to.equal("noRouter");
    expect((await world.demo.floatingIp.list({})).floatingIps).to.deep.equal([]);
    const { router } = await world.demo.router.addInterface("way", { subnet: "of-front" });
    const one = await create({ target });
    expect(one.target).to.deep.equal({
      ...{ portId: port.id, address: port.addresses[0]?.address, routerId: router.id },
    });
    expect(await reasonOf(create({ target }))).to.equal("inUse");
    const other = await create();
    expect(await reasonOf(world.demo.floatingIp.set(other.id, { target }))).to.equal("inUse");
    expect(await reasonOf(world.demo.router.removeInterface("way", { subnet: "of-front" }))).to.equal(
      "inUse",
    );
    expect(await reasonOf(world.demo.router.set("way", { externalNetwork: null }))).to.equal("inUse");
    await world.demo.floatingIp.set(one.id, { target: null });
    expect((await world.demo.floatingIp.set(other.id, { target })).floatingIp.target?.portId).to.equal(
      port.id,
    );
    await world.demo.floatingIp.delete(other.id, {});
    await world.demo.router.removeInterface("way", { subnet: "of-front" });
  });

  it("are led to guests behind one router at the same moment, each of them", async () => {
    await world.admin.subnet.create({ name: "more", network: "public", cidr: "198.51.100.0/24" });
    await world.demo.router.addInterface("way", { subnet: "of-front" });
    const ports = await Promise.all(
      Array.from({ length: 12 }, () => world.demo.port.create({ network: "front" })),
    );
    const led = await Promise.all(ports.map(({ port }) => create({ target: { port: port.id } })));
    expect(led.map(({ target }) => target?.portId)).to.deep.equal(ports.map(({ port }) => port.id));
    expect(new Set(led.map(({ name }) => name)).size).to.equal(12);
    const turned = ports.map(({ port }) => port.id).toReversed();
    for (const { id } of led) await world.demo.floatingIp.set(id, { target: null });
    await Promise.all(
      led.map(({ id }, at) => world.demo.floatingIp.set(id, { target: { port: turned[at] ?? "" } })),
    );
  });

  it("are answered alike when they are asked for again with the same request id", async () => {
    const again = { requestId: "once" };
    const first = await world.demo.floatingIp.create({ network: "public" }, again);
    expect(await world.demo.floatingIp.create({ network: "public" }, again)).to.deep.equal(first);
    expect((await world.demo.floatingIp.list({})).floatingIps).to.have.length(1);
  });
});
