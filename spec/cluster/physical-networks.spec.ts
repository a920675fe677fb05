/** Guests on the operator's own networks: only on hosts that are there, and told which network it is. */
import { expect } from "chai";
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import { refused } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const shapes = {
  ...{ versions: [1], machineType: "pc-q35-7.2", aliases: [], machineTypes: ["pc-q35-7.2"] },
  ...{ cpuModel: "qemu64-v1", cpuModels: ["qemu64-v1"] },
};
const plain: HostDrivers = {
  ...{ hypervisor: "fake", disks: "fake", network: "user", volumes: null, shapes },
  abilities: {
    ...{ networks: ["tap"], volumes: [], hotPlug: true, liveMigration: false, console: true, save: false },
  },
  networking: { mtuBytesMax: 1_500, spansHosts: false, underlay: null },
};
const theirs: HostDrivers = {
  ...{ ...plain, network: "macvtap" },
  networking: {
    ...{ mtuBytesMax: 1_500, spansHosts: true, underlay: null, physicalNetworks: ["provider"] },
    ...{ overlays: false, filters: false, hotPlug: false },
  },
};
const wait = true;

describe("the operator's own networks", () => {
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
    await world.admin.network.create({ name: "flat", physicalNetwork: "provider" });
    await world.admin.network.create({ name: "elsewhere", physicalNetwork: "lab" });
    await world.admin.network.create({ name: "own" });
  });
  afterEach(() => world.stop());

  const create = (port: string) =>
    world.admin.instance.create({
      ...{ name: `on ${port}`, flavor: "tiny", image: "tiny", networks: [{ port }], wait },
    });
  const portOn = async (name: string, portSecurity = false) => {
    const asked = portSecurity ? {} : { portSecurity, securityGroups: [] };
    return (await world.admin.port.create({ name: `${name}-${portSecurity}`, network: name, ...asked })).port;
  };
  const whyNot = async (port: string) => {
    const { reason, message, details } = await refused(create(port));
    return `${reason} ${message} ${JSON.stringify(details)}`;
  };

  it("have guests on hosts that are there, which are told; others' networks are elsewhere", async () => {
    const [one, other] = [
      await world.host("a", { drivers: plain }),
      await world.host("b", { drivers: theirs }),
    ];
    const flat = await portOn("flat");
    await create(flat.name);
    expect(one.ensured).to.deep.equal([]);
    expect(
      other.ensured[0]?.spec.interfaces?.map(({ portId, physicalNetwork }) => [portId, physicalNetwork]),
    ).to.deep.equal([[flat.id, "provider"]]);
    await create((await portOn("own")).name);
    await create((await portOn("own", true)).name);
    expect(one.ensured.map(({ spec }) => spec.interfaces?.[0])).to.have.length(2);
    expect(one.ensured[0]?.spec.interfaces?.[0]).not.to.have.property("physicalNetwork");
  });

  it("have none where nobody is there, or nobody filters what is to be filtered, and say so", async () => {
    await world.host("b", { drivers: theirs });
    expect(await whyNot((await portOn("elsewhere")).name)).to.match(
      /noValidHost.*plugs no guest into the physical network lab/,
    );
    expect(await whyNot((await portOn("flat", true)).name)).to.match(
      /has portSecurity, and the network driver of the host filters nothing/,
    );
    expect(await whyNot((await portOn("own")).name)).to.match(/carries the operator's own networks only/);
  });

  it("take guests in at their start alone, where the host's network says so", async () => {
    await world.host("b", { drivers: theirs });
    const { instance } = await create((await portOn("flat")).name);
    await world.admin.port.create({
      name: "later",
      network: "flat",
      portSecurity: false,
      securityGroups: [],
    });
    const hot = await refused(world.admin.instance.interfaceAttach(instance.id, { port: "later" }));
    expect(hot.message).to.match(/takes guests in at their start alone: stop it first/);
    await world.admin.instance.stop(instance.id, { wait });
    const { operation } = await world.admin.instance.interfaceAttach(instance.id, { port: "later", wait });
    expect(operation.state).to.equal("done");
    const own = (await portOn("own")).name;
    const other = await refused(world.admin.instance.interfaceAttach(instance.id, { port: own }));
    expect(other.message).to.match(/networks that are not the operator's own/);
    const filtered = (await portOn("flat", true)).name;
    const closed = await refused(world.admin.instance.interfaceAttach(instance.id, { port: filtered }));
    expect(closed.message).to.match(/filters nothing, and the port has portSecurity/);
  });
});
