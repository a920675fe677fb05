/** What a host says of the packets of its ports: to whoever asks, and to its meter in sums. */
import { expect } from "chai";
import { hostLimits } from "../../actors/node/host/limits.ts";
import type { PortTraffic } from "../../protocol/traffic.ts";
import { HostWorld } from "../support/host-world.ts";

const interfaces = [{ portId: "p1", networkId: "n", mac: "52:54:00:00:00:01", mtuBytes: 1_450 }];
const port = {
  ...{ id: "p1", instanceId: "a", mac: "52:54:00:00:00:01", addresses: [], portSecurity: true },
  ...{ addressPairs: [], groupIds: [] },
};
const networks = [{ id: "n", number: 1, mtuBytes: 1_450, subnets: [], ports: [port] }];
const counted = (packets: number): PortTraffic => ({
  ...{ portId: "p1", agoMs: 0 },
  ingress: { packets, bytes: 10 * packets, dropped: { rule: null, limit: 2 * packets, other: 0 } },
  egress: { packets: 0, bytes: 0, dropped: { rule: null, limit: null, forged: null, other: null } },
});

describe("the traffic of a host's ports", () => {
  let world: HostWorld;
  beforeEach(async () => {
    world = new HostWorld();
    world.controller.networking = { version: 3, networks, groups: [] };
    await world.ensure("a", { generation: 1, power: "running" }, 1, interfaces);
    await world.until("a", "running");
  });
  afterEach(() => world.end());

  const said = (portIds: string[]) =>
    world.settled(() => world.host.handlers.portTraffic({ portIds }, world.context()));
  const count = (packets: number) => world.machine.ports.traffic.set("p1", counted(packets));
  const metered = (name: Parameters<HostWorld["meter"]["read"]>[0]) =>
    Object.fromEntries(world.meter.read(name).map(({ labels, value }) => [labels.join(" "), value]));

  it("is said of the ports that are asked for, and of no other", async () => {
    count(3);
    world.clock.advance(hostLimits.trafficAgeMsMax);
    expect((await said(["p1", "p2"])).ports?.map(({ portId }) => portId)).to.deep.equal(["p1"]);
    expect(await said(["p2"])).to.deep.equal({ ports: [] });
  });

  it("is in the meter as sums of what was added, by cause where it is counted", async () => {
    const round = async () => {
      world.clock.advance(hostLimits.trafficPeriodMs);
      await world.settled(async () => undefined);
    };
    await round();
    const before = metered("novact_port_packets_total");
    count(3);
    await round();
    count(5);
    await round();
    expect(metered("novact_port_packets_total")).to.deep.equal({ ...before, in: 5, out: 0 });
    expect(metered("novact_port_bytes_total")).to.deep.equal({ in: 50, out: 0 });
    expect(metered("novact_port_dropped_total")).to.include({ "in limit": 10, "in other": 0 });
  });
});
