/** What has passed a port, from outside: as its host has it, or why nobody knows; nothing is ever made up. */
import { expect } from "chai";
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import type { PortTraffic } from "../../protocol/traffic.ts";
import { refused } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const drivers: HostDrivers = {
  ...{ hypervisor: "fake", disks: "fake", network: "fake", volumes: null },
  abilities: {
    ...{ networks: ["tap"], volumes: [], hotPlug: false, liveMigration: false, console: true, save: false },
  },
  networking: { mtuBytesMax: 65_535, spansHosts: false, underlay: null, limits: true },
};
const ways: Pick<PortTraffic, "ingress" | "egress"> = {
  ingress: { packets: 3, bytes: 300, dropped: { rule: null, limit: 7, other: 0 } },
  egress: { packets: 5, bytes: 400, dropped: { rule: 1, limit: null, forged: 2, other: 0 } },
};

describe("the counters of a port", () => {
  let world: World;
  let host: Awaited<ReturnType<World["host"]>>;
  let portId: string;
  let instanceId: string;
  beforeEach(async () => {
    world = await controllerWorld();
    host = await world.host("h1", { drivers });
    const { network } = await world.demo.network.create({ name: "tour" });
    await world.demo.subnet.create({ name: "s", network: network.id, cidr: "10.0.0.0/24" });
    const asked = { name: "web", flavor: "tiny", image: "tiny", networks: [{ network: "tour" }], wait: true };
    const { instance } = await world.demo.instance.create(asked);
    instanceId = instance.id;
    portId = instance.interfaces?.[0]?.portId ?? "none";
  });
  afterEach(() => world.stop());

  const countersOf = async (id: string) => (await world.demo.port.counters(id, {})).counters;
  const unknown = { atMs: null, ingress: null, egress: null };

  it("are what its host says, as of when it has read them", async () => {
    host.traffic = [{ portId, agoMs: 4_000, ...ways }];
    const beforeMs = Date.now();
    const { atMs, ...rest } = await countersOf(portId);
    expect(rest).to.deep.equal({ portId, hostName: "host-h1", ...ways });
    expect(atMs).to.be.within(beforeMs - 4_000, Date.now() - 4_000);
  });

  it("are not known, and never zero, where the host counts nothing, has not counted, or does not answer", async () => {
    const said = { portId, hostName: "host-h1", ...unknown };
    expect(await countersOf(portId)).to.deep.include({ ...said, reason: "The host host-h1 counts nothing." });
    host.traffic = [];
    const { reason: notYet } = await countersOf(portId);
    expect(notYet).to.contain("has not counted anything of the port yet");
    host.mute = true;
    const silent = await countersOf(portId);
    expect(silent).to.deep.include({ ...said, reason: "The host host-h1 does not answer." });
  });

  it("are none of a port that nothing is plugged into, or that is on no host any more", async () => {
    const { port } = await world.demo.port.create({ name: "spare", network: "tour" });
    const free = { portId: port.id, hostName: null, ...unknown };
    expect(await countersOf("spare")).to.deep.equal({ ...free, reason: "Nothing is plugged in." });
    await world.demo.instance.delete(instanceId, { wait: true });
    expect((await refused(world.demo.port.counters(portId, {}))).code).to.equal("NOT_FOUND");
  });

  it("are told to nobody of another project", async () => {
    const refusal = await refused(world.other.port.counters(portId, {}));
    expect(refusal.code).to.equal("NOT_FOUND");
    expect((await world.admin.port.counters(portId, {})).counters.portId).to.equal(portId);
  });
});
