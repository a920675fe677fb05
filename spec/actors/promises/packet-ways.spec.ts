/** N2 to N6 of packets over routers, to the outside and from there: by rows of moments, by value. */
import { expect } from "chai";
import type { Checker, Fact } from "../../../actors/promises/facts.ts";
import { onlyWhatIsAllowed } from "../../../actors/promises/n02-only-what-is-allowed.ts";
import { nothingForged } from "../../../actors/promises/n03-nothing-forged.ts";
import { networksApart } from "../../../actors/promises/n04-networks-apart.ts";
import { oneHostAnswers } from "../../../actors/promises/n05-one-host-answers.ts";
import { picturesArrive } from "../../../actors/promises/n06-pictures-arrive.ts";
import { restartsChangeNothing } from "../../../actors/promises/n09-restarts-change-nothing.ts";
import type { PacketFact } from "../../../actors/promises/network-facts.ts";
import { outside } from "../../../actors/promises/packets.ts";
import { floatingIp, floatingTarget } from "../../../protocol/floating-ip.ts";
import { network, subnet } from "../../../protocol/network.ts";
import { address, groupMembership, port } from "../../../protocol/port.ts";
import { router, routerInterface } from "../../../protocol/router.ts";
import { securityGroupRule } from "../../../protocol/security-group.ts";
import type { Resource, ResourceRow } from "../../../protocol/wire/resource.ts";
import { committed, judged } from "./worlds.ts";

const made = (resource: Resource, row: object) => ({
  ...{ resource, made: { createdAtMs: 1, version: 1, name: "x", ...row } as ResourceRow },
});
const rule = (id: string, direction: string, given: object = {}) =>
  made(securityGroupRule, {
    ...{ id, groupId: "g", direction, ipVersion: 4, protocol: null, portMin: null, portMax: null },
    ...{ remoteCidr: null, remoteGroupId: null, ...given },
  });
/** In the subnet of the network's name. */
const portOf = (id: string, networkId: string, its: string) => [
  made(port, { id, networkId, mac: `mac of ${id}`, portSecurity: true, addressPairs: [] }),
  made(address, { id: `a${id}`, name: its, subnetId: `s${networkId}`, portId: id }),
  made(groupMembership, { id: `g${id}`, groupId: "g", portId: id }),
];
const gateOf = (id: string, routerId: string, networkId: string, its: string) => [
  ...portOf(id, networkId, its),
  made(routerInterface, { id, routerId, networkId, subnetId: `s${networkId}`, portId: id }),
];
const networkOf = (id: string, cidr: string, physicalNetwork: string | null = null) => [
  made(network, { id, number: 1, mtuBytes: 1_450, physicalNetwork }),
  made(subnet, { id: `s${id}`, networkId: id, cidr }),
];
const routerOf = (id: string, externalNetworkId: string | null, snat: boolean) =>
  made(router, { id, externalNetworkId, snat, routes: [] });

/**
 * Router r leads from network n to m and outside; q, of another project, to o, which has the range of m, and
 * lends nobody its host's address. Then r leads to m no more, and the floating address to 2 instead of 1.
 */
const history: readonly Fact[] = [
  committed(
    {
      rows: [
        rule("out", "egress"),
        rule("in", "ingress", { protocol: 17, portMin: 80, portMax: 80 }),
        ...[...networkOf("n", "10.0.0.0/24"), ...networkOf("m", "10.0.1.0/24")],
        ...[...networkOf("o", "10.0.1.0/24"), ...networkOf("p", "10.0.2.0/24")],
        ...networkOf("e", "192.0.2.0/24", "public"),
        ...[routerOf("r", "e", true), routerOf("q", "e", false), routerOf("t", null, true)],
        ...[...gateOf("rn", "r", "n", "10.0.0.1"), ...gateOf("rm", "r", "m", "10.0.1.1")],
        ...[...gateOf("qo", "q", "o", "10.0.1.1"), ...gateOf("tp", "t", "p", "10.0.2.1")],
        ...[...portOf("1", "n", "10.0.0.9"), ...portOf("2", "n", "10.0.0.8")],
        ...[
          ...portOf("3", "m", "10.0.1.9"),
          ...portOf("4", "o", "10.0.1.9"),
          ...portOf("5", "p", "10.0.2.9"),
        ],
        made(floatingIp, { id: "f", name: "192.0.2.7", networkId: "e", portId: "fp" }),
        made(floatingTarget, {
          id: "t1",
          floatingId: "f",
          portId: "1",
          address: "10.0.0.9",
          interfaceId: "rn",
        }),
      ],
    },
    { lastSequence: 1 },
  ),
  committed(
    {
      rows: [
        ...[
          { resource: routerInterface, removed: "rm" },
          { resource: floatingTarget, removed: "t1" },
        ],
        ...gateOf("rnew", "r", "n", "10.0.0.2"),
        made(floatingTarget, {
          id: "t2",
          floatingId: "f",
          portId: "2",
          address: "10.0.0.8",
          interfaceId: "rn",
        }),
      ],
    },
    { lastSequence: 2 },
  ),
];

const addresses = { "1": "10.0.0.9", "2": "10.0.0.8", "3": "10.0.1.9", "4": "10.0.1.9", "5": "10.0.2.9" };
type Guest = keyof typeof addresses;
const stranger = "198.51.100.1";

const packet = (from: string, to: string, source: string, destination: string): PacketFact => ({
  ...{ kind: "packet", atMs: 0, from, to, forged: null, isAnswer: false, isLast: false },
  ...{ delivered: true, versions: [1, 2], reach: true, ruled: true, heard: true },
  flow: { source, destination, sourcePort: 1, destinationPort: 80 },
});
const routed = (from: Guest, to: Guest, gate: string, given: Partial<PacketFact> = {}): PacketFact => ({
  ...packet(from, to, addresses[from], addresses[to]),
  ...{ way: { kind: "routed", gate: `mac of ${gate}` }, ...given },
});
const leaving = (
  from: Guest,
  gate: string,
  seen: string | null,
  given: Partial<PacketFact> = {},
): PacketFact => ({
  ...packet(from, outside, addresses[from], stranger),
  ...{ way: { kind: "leaves", gate: `mac of ${gate}`, seen }, ...given },
});
const coming = (to: string, given: Partial<PacketFact> = {}): PacketFact => ({
  ...packet(outside, to, stranger, "192.0.2.7"),
  ...{ way: { kind: "comes", routerId: "r", address: "192.0.2.7" }, ...given },
});
const late = { versions: [2, 2] };
const found = (checker: Checker, ...packets: readonly PacketFact[]) =>
  judged(checker, [...history, ...packets]).length;

describe("promises about packets over routers", () => {
  it("N4 is kept by a way over a router that both ends have had, and by ways outside", () => {
    const back = { ...routed("3", "1", "rm"), isAnswer: true };
    expect(found(networksApart(), routed("1", "3", "rn"), back, routed("1", "2", "rn"))).to.equal(0);
    const ways = [leaving("1", "rn", null), leaving("4", "qo", null), coming("1"), coming("2", late)];
    expect(found(networksApart(), ...ways)).to.equal(0);
  });

  it("N4 is broken by whatever leaves by IPv6, though the router leads outside", () => {
    const flow = { source: "fd00::9", destination: "2001:db8::1", sourcePort: 1, destinationPort: 80 };
    expect(found(networksApart(), { ...leaving("1", "rn", null), flow })).to.equal(1);
    expect(found(networksApart(), { ...leaving("1", "rn", null), flow, delivered: false })).to.equal(0);
  });

  it("N2 is broken by IPv6 where only IPv4 is allowed, and N6 by neither when it is lost", () => {
    const flow = { source: "fd00::9", destination: "fd00:1::9", sourcePort: 1, destinationPort: 80 };
    const ofSix = { ...routed("1", "3", "rn"), flow };
    expect(found(onlyWhatIsAllowed(), routed("1", "3", "rn"), ofSix)).to.equal(1);
    const lost = { delivered: false, isLast: true };
    expect(found(picturesArrive(), { ...ofSix, ...lost })).to.equal(0);
  });

  it("N4 is broken by a router that leads there no more, by another's, and by one that leads nowhere", () => {
    expect(found(networksApart(), routed("1", "3", "rn", late))).to.equal(1);
    // Of two ports with one address, the other project's; a router of another network; no router at all.
    expect(found(networksApart(), routed("1", "4", "rn"), routed("1", "3", "qo"))).to.equal(2);
    expect(found(networksApart(), routed("1", "3", "3"), leaving("5", "tp", null))).to.equal(2);
    const inside = { flow: { ...leaving("1", "rn", null).flow, destination: addresses[2] } };
    expect(found(networksApart(), leaving("1", "rn", null, inside))).to.equal(1);
  });

  it("N2 asks the rules of both ends, and nobody's outside", () => {
    const flow = { ...routed("1", "3", "rn").flow, destinationPort: 81 };
    const closed = [
      routed("1", "3", "rn", { flow }),
      coming("1", { flow: { ...coming("1").flow, ...flow } }),
    ];
    expect(found(onlyWhatIsAllowed(), ...closed)).to.equal(2);
    const open = [routed("1", "3", "rn"), coming("1"), leaving("1", "rn", null, { flow })];
    expect(found(onlyWhatIsAllowed(), ...open)).to.equal(0);
  });

  it("N3 is broken by a guest that is seen outside as another one, or as a host that lends nothing", () => {
    const own = [
      leaving("1", "rn", "192.0.2.7"),
      leaving("2", "rn", "192.0.2.7", late),
      leaving("2", "rn", null),
    ];
    expect(found(nothingForged(), ...own)).to.equal(0);
    const strange = [
      leaving("1", "rn", "192.0.2.7", late),
      leaving("4", "qo", null),
      leaving("2", "rn", "192.0.2.9"),
    ];
    expect(found(nothingForged(), ...strange)).to.equal(3);
  });

  it("N3 is kept where the gate is of one picture, and the address of an older one that a host still has", () => {
    expect(found(nothingForged(), leaving("1", "rnew", "192.0.2.7"))).to.equal(0);
    const broken = [leaving("1", "rnew", "192.0.2.7", late), leaving("1", "qo", "192.0.2.7")];
    expect(found(nothingForged(), ...broken)).to.equal(2);
  });

  it("N5 is broken by a call that comes to a port to which the address leads no more", () => {
    expect(found(oneHostAnswers(), coming("1"), coming("2"))).to.equal(0);
    expect(found(oneHostAnswers(), coming("1", late), coming("3"))).to.equal(2);
    expect(found(oneHostAnswers(), coming("1", { ...late, delivered: false }))).to.equal(0);
  });

  it("N6 is broken by what is led at rest and does not arrive", () => {
    const lost = { delivered: false, isLast: true, ...late };
    const due = [routed("1", "2", "rn", lost), leaving("1", "rn", null, lost), coming("", lost)];
    expect(found(picturesArrive(), ...due)).to.equal(3);
    const kept = [
      routed("1", "3", "rn", lost),
      leaving("4", "qo", null, lost),
      leaving("5", "tp", null, lost),
    ];
    const flow = { ...coming("").flow, destinationPort: 81 };
    expect(found(picturesArrive(), ...kept, coming("", { ...lost, flow }))).to.equal(0);
  });

  it("N9 tells ways apart", () => {
    const dropped = { delivered: false };
    expect(found(restartsChangeNothing(), routed("1", "2", "rn"), routed("1", "2", "rn", dropped))).to.equal(
      1,
    );
    const others = [routed("1", "2", "rm", dropped), packet("1", "2", addresses[1], addresses[2])];
    expect(found(restartsChangeNothing(), routed("1", "2", "rn"), ...others)).to.equal(0);
  });
});
