/** The responder's ways into bridges, by value: who has one, what passes it, and as whom guests are told. */
import { expect } from "chai";
import { gatewayLinkLocal } from "../../../../nodes/drivers/bridge-network/gateways6.ts";
import { planOf } from "../../../../nodes/drivers/bridge-network/plan.ts";
import { compile } from "../../../../nodes/drivers/bridge-network/rules/compile.ts";
import { marks } from "../../../../nodes/drivers/bridge-network/rules/fixed-chains.ts";
import {
  emptyLedger,
  hatchAddress,
  nextLedger,
  servicesOf,
} from "../../../../nodes/drivers/bridge-network/rules/ledger.ts";
import { ruleLimits } from "../../../../nodes/drivers/bridge-network/rules/limits.ts";
import { hatchRoutes, toldGuests6 } from "../../../../nodes/drivers/bridge-network/rules/told-ports.ts";
import { readNeighbours, type Seen } from "../../../../nodes/drivers/bridge-network/seen.ts";
import { allSettled, differing } from "../../../../nodes/drivers/bridge-network/settled.ts";
import { isDone, stepsBetween } from "../../../../nodes/drivers/bridge-network/steps.ts";
import { tunnelSendersOf } from "../../../../nodes/drivers/bridge-network/tunnel-senders.ts";
import { askerMac, hatchMac } from "../../../../nodes/responder/hatch.ts";
import { addressOf, cidrOf, contains } from "../../../../protocol/address.ts";
import type { NetworkPicture } from "../../../../protocol/networking.ts";
import { ids, macOf, portRecord } from "../../../support/fabric-pictures.ts";
import * as frames from "../../../support/frames.ts";
import { forwardVerdict, nftVerdict } from "../../../support/nft-verdict.ts";
import {
  interfaceAt,
  pictureOf,
  type RoutedGuest,
  routerPicture,
  subnetId,
} from "../../../support/routed-pictures.ts";

const [here, there]: readonly RoutedGuest[] = [
  { number: 1, network: 1, address: "10.1.0.5", address6: "fd00:1::5" },
  { number: 2, network: 1, address: "10.1.0.6", address6: "fd00:1::6", host: 1 },
];
const plain: RoutedGuest = { number: 3, network: 2, address: "10.2.0.5", address6: "fd00:2::5" };
const guests = [here, there, plain].filter((one) => one !== undefined);
const subnets6 = { dhcp: true, gateway: "fd00:1::1" };
const networks = [
  { number: 1, cidrs: ["10.1.0.0/24", "fd00:1::/64"], subnets6 },
  { number: 2, cidrs: ["10.2.0.0/24", "fd00:2::/64"] },
];
const router = routerPicture(1, { interfaces: [interfaceAt(1, 1, "fd00:1::1", 1)] });
const underlays = ["192.0.2.1", "192.0.2.2"];
const networkingWith = (routers: readonly (typeof router)[]) =>
  pictureOf({ version: 1, guests, networks, routers }, 0, underlays);
const networking = networkingWith([router]);
const withoutDhcp = (network: NetworkPicture): NetworkPicture => ({
  ...network,
  subnets: network.subnets.map((subnet) => ({ ...subnet, dhcp: false })),
});
const ports = [portRecord(1), portRecord(3, 2)];
const ledger = nextLedger(
  emptyLedger,
  networking,
  ports.map(({ portId }) => portId),
);
const zone = ledger.zones[ids.network(1)] ?? 0;
const wanted = { networking, ports };
const services = hatchRoutes(wanted, ledger);
const plan = planOf({ ...wanted, services, underlay: "192.0.2.1" });
const [bridge, hatch, tap, tunnel] = ["nvb", "nvh", "nvt", "nvx"].map(
  (prefix) => `${prefix}00000000${prefix === "nvt" ? "a001" : "f001"}`,
) as [string, string, string, string];
const own = gatewayLinkLocal({ id: subnetId(1, 1) });
const ruleset = compile(wanted, ledger);

describe("The responder's way into a bridge", () => {
  it("is there where IPv6 tells a port of the host something, and nowhere else", () => {
    expect(plan.hatches).to.deep.equal([
      {
        name: hatch,
        networkId: ids.network(1),
        bridge,
        number: zone,
        mtuBytes: 1_400,
      },
    ]);
    const [route] = services;
    expect(services).to.have.length(1);
    expect(plan.places).to.deep.include({ bridge, mac: hatchMac, device: hatch, host: route?.address });
    expect(plan.routes).to.deep.equal(services);
  });

  it("is made in the fabric, closed before it is up, with a place for what is sent there", () => {
    const nothing: Seen = { links: new Map(), places: [], neighbours: [], routes: [] };
    const { links, places, tunnels } = stepsBetween(plan, nothing);
    expect(tunnels.map(({ name }) => name)).to.deep.equal([tunnel]);
    expect(links.filter((line) => line.includes(` ${hatch}`))).to.deep.equal([
      `link add name ${hatch} type vxlan id ${zone} local 169.254.169.254 dstport 4790 nolearning`,
      `link set dev ${hatch} down`,
      `link set dev ${hatch} master ${bridge}`,
      `link set dev ${hatch} type bridge_slave learning off flood off mcast_flood off bcast_flood off ` +
        "proxy_arp off neigh_suppress off group_fwd_mask 65533",
      `link set dev ${hatch} addrgenmode none`,
      `link set dev ${hatch} mtu 1400 alias ${ids.network(1)} up`,
    ]);
    expect(places).to.include(`fdb replace ${hatchMac} dev ${hatch} master static`);
    expect(places).to.include(
      `fdb replace ${hatchMac} dev ${hatch} dst ${hatchAddress(zone)} self permanent`,
    );
  });

  it("needs no step when it is there, and goes with the last port that is told something", () => {
    const settled = allSettled(plan, new Set([tap]));
    const { plan: left, seen } = differing(plan, settled);
    expect(isDone(stepsBetween(left, seen))).to.equal(true);
    const without = planOf({ ...wanted, services: [], underlay: "192.0.2.1" });
    const other = differing(without, settled);
    expect(stepsBetween(other.plan, other.seen).orphans).to.deep.equal([hatch]);
  });

  it("has an address that no port and no other hatch has, of those of services", () => {
    const range = cidrOf("100.64.0.0/10");
    const all = [hatchAddress(1), hatchAddress(ruleLimits.zonesMax)];
    for (const text of [...all, ...Object.values(servicesOf(ruleLimits.servicesMax))])
      expect(range && contains(range, addressOf(text) ?? { version: 4, value: 0n }), text).to.equal(true);
    const last = addressOf(servicesOf(ruleLimits.servicesMax).all)?.value ?? 0n;
    expect((addressOf(all[0] ?? "")?.value ?? 0n) > last).to.equal(true);
  });

  it("is no host of the underlay, which could send for a router", () => {
    expect([...new Set(tunnelSendersOf(plan).map(({ host }) => host))]).to.deep.equal(["192.0.2.2"]);
  });
});

describe("What IPv6 tells a port", () => {
  const said = (routers: readonly (typeof router)[]) =>
    toldGuests6({ networking: networkingWith(routers), ports }, ledger);

  it("is said by the kernel's name for the port, and as the gateway of the subnet", () => {
    expect(said([router])).to.have.length(1);
    expect(said([router])[0]).to.deep.include({
      ...{ asker: askerMac(ledger.services[ids.port(1)] ?? 0).replaceAll(":", ""), hatch: zone },
      ...{ mac: macOf(1).replaceAll(":", ""), isRouted: true },
    });
    expect(said([router])[0]?.sender.mac).to.equal("525400000201");
  });

  it("comes from the same address when the gateway is no router's any more", () => {
    const [before, after] = [said([router])[0], said([])[0]];
    expect(after?.isRouted).to.equal(false);
    expect(after?.sender.mac).to.equal("0e6e0000f001");
    expect(after?.sender.address).to.equal(before?.sender.address);
    const elsewhere = routerPicture(1, { interfaces: [interfaceAt(1, 1, "fd00:1::2", 1)] });
    expect(said([elsewhere])[0]?.isRouted).to.equal(false);
  });

  it("has the bridge answer for the gateway's address of the link, as a router's", () => {
    const led = plan.neighbours.filter(({ mac }) => mac === "52:54:00:00:02:01");
    expect(led.map(({ address, isRouter }) => [address, isRouter])).to.deep.equal([
      ["fd00:1::1", true],
      [own, true],
    ]);
    const none = planOf({ ...wanted, networking: networkingWith([]), services, underlay: null });
    expect(none.neighbours.map(({ address }) => address)).to.not.include(own);
    const lines = stepsBetween(plan, { links: new Map(), places: [], neighbours: [], routes: [] }).links;
    expect(lines).to.include(
      `neigh replace ${own} lladdr 52:54:00:00:02:01 dev ${bridge} nud permanent router`,
    );
  });

  it("leaves those a way on who were told of the gateway, when nobody is told any more", () => {
    const untold = { ...networking, networks: networking.networks.map(withoutDhcp) };
    expect(toldGuests6({ networking: untold, ports }, ledger)).to.deep.equal([]);
    const { hatches, neighbours } = planOf({ networking: untold, ports, services: [], underlay: null });
    expect(hatches).to.deep.equal([]);
    expect(neighbours.filter(({ address }) => address === own)).to.deep.equal([
      { bridge, address: own, mac: "52:54:00:00:02:01", isRouter: true },
    ]);
    const linkLocal = ({ address }: { address: string }) => address.startsWith("fe80::a9fe:");
    // The subnet of IPv4 has none, and neither has one whose gateway is nobody's.
    expect(neighbours.filter(linkLocal)).to.have.length(1);
  });

  it("is told to the kernel again when the bridge answers as if the gateway were no router", () => {
    const row = (address: string) => ({ dst: address, dev: bridge, lladdr: "52:54:00:00:02:01" });
    const neighbours = readNeighbours([{ ...row("fd00:1::1"), router: null }, row(own)]);
    const { links } = stepsBetween(plan, { links: new Map(), places: [], neighbours, routes: [] });
    expect(links.filter((line) => line.includes("02:01"))).to.deep.equal([
      `neigh replace ${own} lladdr 52:54:00:00:02:01 dev ${bridge} nud permanent router`,
    ]);
  });
});

describe("The rules about what IPv6 tells", () => {
  const ends: frames.Ends = {
    ...{ sourceMac: macOf(1), destinationMac: "33:33:00:01:00:02" },
    ...{ source: "fe80::5054:ff:fe00:101", destination: "ff02::1:2" },
  };
  const asks = (given: Partial<frames.Ends> = {}, sport = 546, dport = 547) =>
    frames.ip6Frame({ ...ends, ...given }, 17, frames.udp(sport, dport));
  const forRouters = (given: Partial<frames.Ends> = {}) =>
    frames.ip6Frame({ ...ends, destination: "ff02::2", ...given }, 58, frames.icmp(133, 0), 255);
  const verdict = (frame: Buffer, from = tap) => nftVerdict(ruleset, { frame, from, to: tap, mark: 2 });

  it("give a guest's questions to the responder, by whichever address of the link it asks", () => {
    for (const source of ["fe80::5054:ff:fe00:101", "fe80::abcd:1234", "::"]) {
      expect(verdict(asks({ source })), source).to.equal("service");
      expect(verdict(forRouters({ source })), source).to.equal("service");
    }
    expect(verdict(forRouters({ source: "fd00:1::5" }))).to.equal("service");
  });

  it("give it nothing that is from another's address, in parts, or for others", () => {
    expect(verdict(asks({ source: "fd00:1::6" }))).to.equal("forged");
    expect(verdict(forRouters({ source: "fd00:1::6" }))).to.equal("forged");
    expect(verdict(asks({ sourceMac: macOf(2) }))).to.equal("forged");
    expect(verdict(frames.ip6Frame(ends, 44, Buffer.alloc(16)))).to.equal("drop");
    expect(verdict(asks({ source: "fd00:1::5", destination: "fd00:1::6" }))).to.not.equal("service");
  });

  it("give it nothing of a port that IPv6 tells nothing", () => {
    const other = { sourceMac: macOf(3) };
    for (const frame of [asks(other), forRouters(other)])
      expect(verdict(frame, "nvt00000000a003")).to.equal("forged");
  });

  it("let no guest answer, from the server's port or to the clients'", () => {
    expect(verdict(asks({ source: "fd00:1::5", destination: "fd00:1::6" }, 547, 546))).to.equal("forged");
    expect(verdict(asks({ source: "fd00:1::5", destination: "fd00:1::6" }, 5_000, 546))).to.equal("forged");
  });

  it("lead between the guest and the hatch, and to no other host, no router and no other guest", () => {
    const frame = asks();
    const passes = (from: string, to: string, mark: number = marks.service) =>
      forwardVerdict(ruleset, { frame, from, to, mark });
    expect([passes(tap, hatch), passes(hatch, tap)]).to.deep.equal(["accept", "accept"]);
    for (const to of [tunnel, "nvr00000000a101", "nvt00000000a003", hatch, "nvt00000000a009"])
      expect(passes(hatch, to), to).to.equal("drop");
    expect([passes(tap, "nvt00000000a003"), passes(tunnel, hatch)]).to.deep.equal(["drop", "drop"]);
    for (const mark of [0, marks.known, marks.fresh]) expect(passes(tap, hatch, mark)).to.equal("drop");
    expect(nftVerdict(ruleset, { frame, from: hatch, to: tap, mark: 0 })).to.equal("service");
  });
});
