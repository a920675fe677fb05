/** A router's interface as a port of the bridge: how it is closed, and what the filter takes from it. */
import { expect } from "chai";
import { planOf } from "../../../../nodes/drivers/bridge-network/plan.ts";
import { routerPortsOf } from "../../../../nodes/drivers/bridge-network/router-ports.ts";
import { compile } from "../../../../nodes/drivers/bridge-network/rules/compile.ts";
import {
  ConnectionJudge,
  readConnections,
} from "../../../../nodes/drivers/bridge-network/rules/connections.ts";
import { emptyLedger, nextLedger } from "../../../../nodes/drivers/bridge-network/rules/ledger.ts";
import { stepsBetween } from "../../../../nodes/drivers/bridge-network/steps.ts";
import { ids, portRecord } from "../../../support/fabric-pictures.ts";
import { interfaceAt, pictureOf, type RoutedGuest, routerPicture } from "../../../support/routed-pictures.ts";

const guest: RoutedGuest = { number: 1, network: 1, address: "10.1.0.5" };
const interfaces = [interfaceAt(1, 1, "10.1.0.1"), interfaceAt(2, 2, "10.2.0.1")];
const networking = pictureOf({
  ...{ version: 1, guests: [guest], routers: [routerPicture(1, { interfaces })] },
  networks: [1, 2].map((number) => ({ number, cidrs: [`10.${number}.0.0/24`] })),
});
const ports = [portRecord(1)];
const [door, otherDoor, tunnel] = ["nvr00000000a101", "nvr00000000a102", "nvx00000000f001"];
const ledger = nextLedger(emptyLedger, networking, [ids.port(1)]);
const nothing = { links: new Map(), places: [], neighbours: [], routes: [] };

describe("A router's interface on a bridge", () => {
  it("is closed before it is up, and the bridge answers for its address", () => {
    const steps = stepsBetween(planOf({ networking, ports, underlay: null, services: [] }), nothing);
    const lines = steps.links.filter((line) => line.includes(` ${door}`));
    expect(lines).to.deep.equal([
      `link set dev ${door} down`,
      `link set dev ${door} master nvb00000000f001`,
      `link set dev ${door} type bridge_slave learning off flood off mcast_flood off bcast_flood off ` +
        "proxy_arp off neigh_suppress on group_fwd_mask 65533",
      `link set dev ${door} addrgenmode none`,
      `link set dev ${door} mtu 1400 alias ${ids.port(0x101)} up`,
    ]);
    expect(steps.links).to.include(
      "neigh replace 10.1.0.1 lladdr 52:54:00:00:02:01 dev nvb00000000f001 nud permanent",
    );
  });

  it("is for the filter what a tunnel is: what comes by it was judged where it was sent", () => {
    const [rules] = compile({ networking, ports }, ledger);
    const of = (name: string) => rules?.sets.get(name)?.elements ?? new Map();
    for (const one of [door, otherDoor]) {
      expect(of("entry").get(`"${one}"`)).to.equal("accept");
      expect([of("open").has(`"${one}"`), of("ports").has(`"${one}"`)]).to.deep.equal([true, true]);
      expect([of("egress").has(`"${one}"`), of("ingress").has(`"${one}"`)]).to.deep.equal([false, false]);
    }
  });

  it("is where the other end of a connection may be, when it is ended", () => {
    const zone = ledger.zones[ids.network(1)];
    const [connection] = readConnections(
      `tcp 6 100 ESTABLISHED src=10.1.0.5 dst=10.2.0.9 sport=1 dport=2 zone=${zone}`,
    );
    if (connection === undefined) throw new Error("It is one.");
    const tap = "nvt00000000a001";
    expect(new ConnectionJudge({ networking, ports }, ledger).devicesOf(connection)).to.deep.equal([
      [tap, tunnel],
      [tap, door],
    ]);
  });

  it("is none on a network of the operator's", () => {
    const networks = networking.networks.map((one) => ({ ...one, physicalNetwork: "office" }));
    expect(routerPortsOf(networking)).to.have.length(2);
    expect(routerPortsOf({ ...networking, networks })).to.deep.equal([]);
  });
});
