/** The status of ports from outside: of one and of a list, over what happens to guest and host. */
import { expect } from "chai";
import { pictureOf } from "../../actors/control/networking/picture.ts";
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import { refused, until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const networking = { mtuBytesMax: 65_535, spansHosts: false, underlay: null, limits: true };
const drivers: HostDrivers = {
  ...{ hypervisor: "fake", disks: "fake", network: "fake", volumes: null },
  abilities: {
    ...{ networks: ["tap"], volumes: [], hotPlug: false },
    ...{ liveMigration: false, console: true, save: false },
  },
  networking,
};
const unlimited = { ...drivers, networking: { ...networking, limits: false } };

describe("the status of ports", () => {
  let world: World;
  let host: Awaited<ReturnType<World["host"]>>;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
    host = await world.host("h1", { drivers });
    const { network } = await world.demo.network.create({ name: "tour" });
    await world.demo.subnet.create({ name: "s", network: network.id, cidr: "10.0.0.0/24" });
  });
  afterEach(() => world.stop());

  const guest = async (name: string) => {
    const asked = { name, flavor: "tiny", image: "tiny", networks: [{ network: "tour" }], wait: true };
    const { instance } = await world.demo.instance.create(asked);
    return { id: instance.id, portId: instance.interfaces?.[0]?.portId ?? "none" };
  };
  const apply = async (failure: string | null = null) => {
    const { networks } = pictureOf(await world.store.networking.ofHost("h1"));
    host.applied = { failure, ports: networks.flatMap(({ ports }) => ports) };
  };
  const statusOf = async (portId: string) => (await world.demo.port.get(portId, {})).port.status;

  it("follows what the host has applied, and what becomes of the guest, without any event", async () => {
    const { id, portId } = await guest("web");
    expect(await statusOf(portId), "a host without a network").to.equal("error");
    host.applied = { failure: null, ports: [] };
    expect(await statusOf(portId)).to.equal("build");
    await apply();
    expect(await statusOf(portId)).to.equal("active");
    await world.demo.port.set(portId, { securityGroups: [] });
    expect(await statusOf(portId), "changed").to.equal("build");
    host.applied = { failure: "No space.", ports: [] };
    expect(await statusOf(portId)).to.equal("error");
    const { port } = await world.admin.port.get(portId, {});
    expect(port.statusReason).to.contain("No space.");
    await apply();
    expect(await statusOf(portId)).to.equal("active");
    await world.demo.instance.stop(id, { wait: true });
    expect(await statusOf(portId)).to.equal("down");
  });

  it("is said of each port of a list, and of none that is made, changed or removed", async () => {
    const { portId } = await guest("web");
    await apply();
    const made = await world.demo.port.create({ name: "spare", network: "tour" });
    expect(made.port).not.to.have.property("status");
    const { ports } = await world.demo.port.list({});
    const byName = new Map(ports.map(({ id, name, status }) => [id === portId ? "web" : name, status]));
    expect([...byName].sort()).to.deep.equal([
      ["spare", "down"],
      ["web", "active"],
    ]);
    expect((await world.demo.port.set("spare", { securityGroups: [] })).port).not.to.have.property("status");
    await world.demo.port.delete("spare", {});
  });

  it("is not active before the host has applied a limit, and an error where no limits are kept", async () => {
    const { portId } = await guest("web");
    await apply();
    const egress = { kilobitsPerSecond: 20_000 };
    const { port } = await world.demo.port.set(portId, { bandwidth: { egress } });
    expect(port.bandwidth).to.deep.equal({ ingress: null, egress: { ...egress, burstKilobits: 2_000 } });
    expect(await statusOf(portId)).to.equal("build");
    await apply();
    expect(await statusOf(portId)).to.equal("active");
    await world.demo.port.set(portId, { name: "renamed" });
    expect(await statusOf(portId), "the limit stays").to.equal("active");
    await world.demo.port.set(portId, { bandwidth: { egress: null } });
    expect((await world.demo.port.get(portId, {})).port.bandwidth).to.equal(null);
    await world.demo.port.set(portId, { bandwidth: { egress } });
    await host.register({ drivers: unlimited });
    await apply();
    await until(
      () => statusOf(portId),
      (status) => status === "error",
    );
  });

  it("keeps a guest whose port has a limit from hosts that keep none", async () => {
    await host.register({ drivers: { ...drivers, networking: { ...networking, limits: false } } });
    const bandwidth = { ingress: { kilobitsPerSecond: 20_000, burstKilobits: 4_000 } };
    await world.demo.port.create({ name: "slow", network: "tour", bandwidth });
    const asked = { name: "web", flavor: "tiny", image: "tiny", networks: [{ port: "slow" }], wait: true };
    const refusal = await refused(world.demo.instance.create(asked));
    expect(JSON.stringify(refusal.details ?? refusal.message)).to.contain("bandwidth limit");
    await host.register({ drivers });
    await world.demo.instance.create(asked);
  });

  it("is unknown, and soon said, when the host does not answer", async () => {
    const { portId } = await guest("web");
    host.applied = null;
    host.mute = true;
    expect(await statusOf(portId)).to.equal("unknown");
  });
});
