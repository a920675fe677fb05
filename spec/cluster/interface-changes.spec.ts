/** Interfaces that come to instances and leave them, as their clients see it: ports, addresses, refusals. */
import { expect } from "chai";
import { refused, until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";
import { networkedDrivers } from "../support/host-drivers.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const shapes = {
  versions: [1],
  machineType: "pc-q35-7.2",
  aliases: [],
  machineTypes: [],
  cpuModel: "qemu64",
  cpuModels: [],
};
const driversOf = (hotPlug = true) => networkedDrivers({ shapes: shapes as never, abilities: { hotPlug } });

describe("interfaces that come and go", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
    for (const [name, cidr] of [
      ["one", "10.0.0.0/29"],
      ["two", "10.0.1.0/29"],
    ] as const) {
      await world.demo.network.create({ name });
      await world.demo.subnet.create({ name: `of ${name}`, network: name, cidr });
    }
  });
  afterEach(() => world.stop());

  const wait = true;
  const make = async (networks?: readonly { network: string; address?: string }[]) =>
    (
      await world.demo.instance.create({
        ...{ name: "vm", flavor: "tiny", image: "tiny", wait },
        ...(networks && { networks: [...networks] }),
      })
    ).instance;
  const portsOf = async () => (await world.demo.port.list({})).ports;
  const addressesOf = (
    interfaces: readonly { addresses: readonly { address: string }[] }[] | null | undefined,
  ) => interfaces?.flatMap(({ addresses }) => addresses.map(({ address }) => address));

  it("come with a port of their own in one commit, which the host is told of in its place", async () => {
    const host = await world.host("a", { drivers: driversOf() });
    const { id } = await make([{ network: "one" }]);
    const { instance, operation } = await world.demo.instance.interfaceAttach(id, {
      ...{ network: "two", address: "10.0.1.5", wait },
    });
    expect([operation.kind, operation.state]).to.deep.equal(["interfaceAttach", "done"]);
    expect(addressesOf(instance.interfaces)?.[1]).to.equal("10.0.1.5");
    expect(instance.interfaces?.map(({ change }) => change)).to.deep.equal([undefined, undefined]);
    const [, port] = await portsOf();
    expect(port).to.include({ device: "instance", deviceId: id, deleteWithInstance: true });
    expect(host.ensured.at(-1)?.spec.interfaces?.map(({ portId, place }) => [portId, place])).to.deep.equal(
      instance.interfaces?.map(({ portId }, place) => [portId, place]),
    );
  });

  it("go when their host has let go of them, with the port that was made for them; the others stay in their places", async () => {
    const host = await world.host("a", { drivers: driversOf() });
    const { id, interfaces } = await make([{ network: "one" }, { network: "two" }]);
    const [first = "", second = ""] = interfaces?.map(({ portId }) => portId) ?? [];
    const { instance, operation } = await world.demo.instance.interfaceDetach(id, { port: first, wait });
    expect([operation.kind, operation.state]).to.deep.equal(["interfaceDetach", "done"]);
    expect(instance.interfaces?.map(({ portId }) => portId)).to.deep.equal([second]);
    expect((await portsOf()).map((one) => one.id)).to.deep.equal([second]);
    const told = () => host.ensured.at(-1)?.spec.interfaces?.map(({ portId, place }) => [portId, place]);
    expect(told()).to.deep.equal([[second, 1]]);
    const again = await world.demo.instance.interfaceAttach(id, { network: "one", wait });
    const [third] = again.instance.interfaces ?? [];
    expect(told()).to.deep.equal([
      [third?.portId, 0],
      [second, 1],
    ]);
    const { events } = await world.demo.event.list({ after: 0, nouns: ["port"] });
    expect(events.filter((one) => one.id === first).map(({ event }) => event)).to.deep.equal([
      "created",
      "deleted",
    ]);
  });

  it("hold port and address until their host has let go, whose later word ends it", async () => {
    const host = await world.host("a", { drivers: driversOf() });
    const { id, interfaces } = await make([{ network: "one", address: "10.0.0.6" }]);
    host.clung.add(interfaces?.[0]?.portId ?? "");
    const { operation, instance } = await world.demo.instance.interfaceDetach(id, { port: "10.0.0.6" });
    expect(instance.interfaces?.map(({ change }) => change)).to.deep.equal(["leaving"]);
    const operationNow = async () => (await world.demo.operation.get(operation.id, {})).operation;
    await until(operationNow, ({ step }) => step === "running");
    const busy = await refused(world.demo.instance.interfaceAttach(id, { network: "two" }));
    expect(busy.reason).to.equal("operationUnderWay");
    const wanted = { network: "one", addresses: [{ address: "10.0.0.6" }] };
    expect((await refused(world.demo.port.create(wanted))).reason).to.equal("addressTaken");
    host.clung.clear();
    await host.become(id, { ports: [] });
    expect((await operationNow()).state).to.equal("done");
    expect((await world.demo.instance.get(id, {})).instance.interfaces).to.deep.equal([]);
    expect(await portsOf()).to.deep.equal([]);
  });

  it("are published no longer, and not again, once they are on their way out", async () => {
    const host = await world.host("a", { drivers: driversOf() });
    const { id, interfaces } = await make([{ network: "one" }]);
    const networkPort = interfaces?.[0]?.portId ?? "";
    await world.demo.publishedPort.create({ networkPort, hostPort: 8_080, port: 80 });
    const told = async () => (await world.store.networking.ofHost("a")).published.length;
    expect(await told()).to.equal(1);
    host.clung.add(networkPort);
    const { operation } = await world.demo.instance.interfaceDetach(id, { port: networkPort });
    expect(await told()).to.equal(0);
    const again = await refused(world.demo.publishedPort.create({ networkPort, hostPort: 8_081, port: 81 }));
    expect(again.reason).to.equal("notPublishable");
    host.clung.clear();
    await host.become(id, { ports: [] });
    expect((await world.demo.operation.get(operation.id, {})).operation.state).to.equal("done");
    expect((await world.demo.publishedPort.list({})).publishedPorts).to.deep.equal([]);
  });

  it("are not taken back by an older word of their host", async () => {
    const host = await world.host("a", { drivers: driversOf() });
    const { id, interfaces } = await make([{ network: "one" }]);
    host.silent = true;
    await world.demo.instance.interfaceDetach(id, { port: interfaces?.[0]?.portId ?? "" });
    // Of the generation before: the host may still be told of the port.
    await host.become(id, { ports: [] });
    expect(await portsOf()).to.have.length(1);
  });

  it("that their host cannot plug in are taken back, and the instance is as before", async () => {
    const host = await world.host("a", { drivers: driversOf() });
    const { id, interfaces } = await make([{ network: "one" }]);
    host.silent = true;
    const { operation } = await world.demo.instance.interfaceAttach(id, { network: "two" });
    const { generation } = (await world.demo.instance.get(id, {})).instance;
    host.silent = false;
    const message = "The place of the interface is taken.";
    await host.become(id, { intentGeneration: generation, reason: "hypervisorRefused", message });
    const ended = (await world.demo.operation.get(operation.id, {})).operation;
    expect([ended.state, ended.error?.reason, ended.error?.message]).to.deep.equal([
      "failed",
      "hypervisorRefused",
      message,
    ]);
    await until(portsOf, (ports) => ports.length === 1);
    const { instance } = await world.demo.instance.get(id, {});
    expect([instance.interfaces, instance.failure, instance.state]).to.deep.equal([
      interfaces,
      null,
      "running",
    ]);
  });

  it("come to a stopped instance and leave it, and are told when it starts", async () => {
    const host = await world.host("a", { drivers: driversOf(false) });
    const { id } = await make([{ network: "one" }]);
    const hot = await refused(world.demo.instance.interfaceAttach(id, { network: "two" }));
    expect([hot.reason, hot.message]).to.deep.equal([
      "notPluggable",
      `Instance ${id} runs on host host-a, which changes no interfaces of a running guest: stop it first.`,
    ]);
    await world.demo.instance.stop(id, { wait });
    const { instance } = await world.demo.instance.interfaceAttach(id, { network: "two", wait });
    expect(instance.interfaces?.map(({ change }) => change)).to.deep.equal([undefined, undefined]);
    const [first = ""] = addressesOf(instance.interfaces) ?? [];
    await world.demo.instance.interfaceDetach(id, { port: first, wait });
    await world.demo.instance.start(id, { wait });
    expect(host.ensured.at(-1)?.spec.interfaces?.map(({ place }) => place)).to.deep.equal([1]);
  });

  it("take the place behind the one that reaches nobody, of an instance that was made without networks", async () => {
    const host = await world.host("a", { drivers: driversOf() });
    const { id } = await make();
    await world.demo.instance.interfaceAttach(id, { network: "one", wait });
    expect(host.ensured.at(-1)?.spec.interfaces?.map(({ place }) => place)).to.deep.equal([1]);
  });

  it("are answered alike when they are asked for again, and made once", async () => {
    await world.host("a", { drivers: driversOf() });
    const { id } = await make([]);
    const asked = { network: "one", address: "10.0.0.5" };
    const first = await world.demo.instance.interfaceAttach(id, asked, { requestId: "attach" });
    const again = await world.demo.instance.interfaceAttach(id, asked, { requestId: "attach" });
    expect(again).to.deep.equal(first);
    expect(await portsOf()).to.have.length(1);
  });

  it("in a port that was there leave it as it was", async () => {
    await world.host("a", { drivers: driversOf() });
    const { port } = await world.demo.port.create({ name: "mine", network: "one" });
    const { id } = await make([]);
    await world.demo.instance.interfaceAttach(id, { port: "mine", wait });
    const taken = await refused(world.demo.instance.interfaceAttach(id, { port: "mine" }));
    expect(taken.reason).to.equal("inUse");
    await world.demo.instance.interfaceDetach(id, { port: "mine", wait });
    expect(await portsOf()).to.deep.equal([
      { ...port, status: "down", statusReason: "Nothing is plugged in." },
    ]);
  });

  it("are refused where they cannot be, in words, and leave nothing", async () => {
    const plain = await world.host("plain");
    const { id } = await make();
    const noNetwork = await refused(world.demo.instance.interfaceAttach(id, { network: "one" }));
    expect(noNetwork.reason).to.equal("notPluggable");
    plain.silent = true;
    await world.host("a", { drivers: driversOf() });
    const able = await make([{ network: "one" }]);
    const attach = async (request: object) =>
      (await refused(world.demo.instance.interfaceAttach(able.id, request))).reason;
    expect(await attach({})).to.equal("schemaMismatch");
    expect(await attach({ network: "one", port: "x" })).to.equal("schemaMismatch");
    expect(await attach({ network: "none" })).to.equal("notFound");
    const [taken] = addressesOf(able.interfaces) ?? [];
    expect(await attach({ network: "one", address: taken })).to.equal("addressTaken");
    const detach = async (port: string) =>
      (await refused(world.demo.instance.interfaceDetach(able.id, { port }))).reason;
    expect(await detach("10.0.1.3")).to.equal("notFound");
    const foreign = world.other.instance.interfaceAttach(able.id, { network: "one" });
    expect((await refused(foreign)).reason).to.equal("instanceNotFound");
    await world.demo.instance.pause(able.id, { wait });
    expect(await attach({ network: "one" })).to.equal("pausedNow");
    expect(await portsOf()).to.have.length(1);
  });

  it("are eight at most, whoever asks at once", async () => {
    await world.host("a", { drivers: driversOf() });
    await world.demo.network.create({ name: "wide" });
    const { id } = await make([]);
    for (let count = 0; count < 8; count += 1)
      await world.demo.instance.interfaceAttach(id, { network: "wide", wait });
    const ninth = await refused(world.demo.instance.interfaceAttach(id, { network: "wide" }));
    expect(ninth.reason).to.equal("interfacesFull");
    expect(await portsOf()).to.have.length(8);
  });
});
