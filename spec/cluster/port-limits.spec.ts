/** Bandwidth limits of ports whose guests are on hosts that keep limits, and on hosts that keep none. */
import { expect } from "chai";
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import { refused, until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const shapes = {
  ...{ versions: [1], machineType: "pc-q35-7.2", aliases: [], machineTypes: [] },
  ...{ cpuModel: "qemu64", cpuModels: [] },
};
const driversOf = (limits: boolean): HostDrivers => ({
  ...{ hypervisor: "fake", disks: "fake", network: "fake", volumes: null, shapes },
  abilities: {
    ...{ networks: ["tap"], volumes: [], hotPlug: true, liveMigration: false, console: true, save: false },
  },
  networking: { mtuBytesMax: 65_535, spansHosts: false, underlay: null, limits },
});
const egress = { kilobitsPerSecond: 20_000 };

describe("bandwidth limits of ports", () => {
  let world: World;
  let host: Awaited<ReturnType<World["host"]>>;
  let id: string;
  let portId: string;
  beforeEach(async () => {
    world = await controllerWorld();
    host = await world.host("h1", { drivers: driversOf(true) });
    const { network } = await world.demo.network.create({ name: "tour" });
    await world.demo.subnet.create({ name: "s", network: network.id, cidr: "10.0.0.0/24" });
    const asked = { name: "web", flavor: "tiny", image: "tiny", networks: [{ network: "tour" }], wait: true };
    const { instance } = await world.demo.instance.create(asked);
    id = instance.id;
    portId = instance.interfaces?.[0]?.portId ?? "none";
    await world.demo.port.create({ name: "slow", network: "tour", bandwidth: { egress } });
  });
  afterEach(() => world.stop());

  /** Until the controller has heard of it. */
  const keepNone = async () => {
    await host.register({ drivers: driversOf(false) });
    const networked = async () => (await world.admin.host.get("h1", {})).host.drivers?.networking;
    await until(networked, (said) => said?.limits === false);
  };

  it("are set and attached where the host keeps them", async () => {
    await world.demo.port.set(portId, { bandwidth: { egress } });
    await world.demo.instance.interfaceAttach(id, { port: "slow" });
  });

  it("are refused of a port whose host keeps none, and taken away there", async () => {
    await world.demo.port.set(portId, { bandwidth: { egress } });
    await keepNone();
    const refusal = await refused(world.demo.port.set(portId, { bandwidth: { ingress: egress } }));
    expect(refusal.reason).to.equal("limitNotKept");
    expect(refusal.message).to.contain("is in use on the host host-h1, which keeps no bandwidth limits");
    await world.demo.port.set(portId, { name: "renamed" });
    const { port } = await world.demo.port.set(portId, { bandwidth: { egress: null } });
    expect(port.bandwidth).to.equal(null);
  });

  it("keep their port from a guest whose host keeps none, but not from being changed while it is free", async () => {
    await keepNone();
    const attached = await refused(world.demo.instance.interfaceAttach(id, { port: "slow" }));
    expect(attached.reason).to.equal("notPluggable");
    expect(attached.message).to.contain("keeps no bandwidth limits, and the port has one");
    await world.demo.port.set("slow", { bandwidth: { egress: { kilobitsPerSecond: 30_000 } } });
    await world.demo.port.set("slow", { bandwidth: { egress: null } });
    await world.demo.instance.interfaceAttach(id, { port: "slow" });
  });
});
