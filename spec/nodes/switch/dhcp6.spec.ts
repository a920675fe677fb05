/** DHCPv6 and routers' advertisements in the switch, by value: who is told what, and nobody forges it. */
import { expect } from "chai";
import { Advertiser } from "../../../nodes/switch/advertiser.ts";
import { checksum6 } from "../../../nodes/switch/frames/packet6.ts";
import { planOf } from "../../../nodes/switch/plan.ts";
import type { SwitchState } from "../../../nodes/switch/state.ts";
import type { PortPicture, RouterPicture, SubnetPicture } from "../../../protocol/networking.ts";
import {
  dhcp6Frame,
  dhcp6Types,
  linkLocal,
  readAdvertisement,
  readDhcp6,
  solicitation,
} from "../../support/dhcp6-frames.ts";
import { discovery, icmp, ip6, ip6Frame, udp } from "../../support/frames.ts";
import { routerOf } from "../../support/routed-world.ts";
import { SwitchJudge } from "../../support/switch-judge.ts";
import {
  defaultGroup,
  ends6,
  type Guest,
  ip6Of,
  macOf,
  networkOf,
  plugOf,
  portIdOf,
  portOf,
} from "../../support/switch-world.ts";

const one: Guest = { network: 1, number: 7 };
const two: Guest = { network: 1, number: 8 };
const both = [one, two];
const digits = (text: string): string => ip6(text).toString("hex");
const bare = (mac: string): string => mac.replaceAll(":", "");
const gateMac = "fa:16:3e:06:01:01";
const gateway = "fd00:1::1";
const router = routerOf([], {
  interfaces: [
    {
      ...{ portId: "gate6-1", networkId: "network-1", mac: gateMac, subnetId: "subnet6-1", address: gateway },
    },
  ],
});
const servers = ["9.9.9.9", "2620:fe::fe"];

interface Given {
  readonly subnet?: Partial<SubnetPicture>;
  readonly port?: Partial<PortPicture>;
  readonly routers?: readonly RouterPicture[];
}

function stateWith({ subnet = {}, port = {}, routers = [router] }: Given = {}): SwitchState {
  const network = networkOf(
    1,
    both.map((guest) => portOf(guest, port)),
  );
  const subnets = network.subnets.map((its) =>
    its.cidr.includes(":") ? { ...its, dhcp: true, gateway, dnsServers: servers, ...subnet } : its,
  );
  return {
    networking: { version: 1, networks: [{ ...network, subnets }], groups: [defaultGroup(both)], routers },
    plugs: both.map((guest) => plugOf(guest)),
  };
}
const judgeOf = (given: Given = {}) => new SwitchJudge(stateWith(given));

const reasons = ["router", "dhcpServer", "forgedAddress"];

function answerTo(judge: SwitchJudge, from: Guest, frame: Buffer): Buffer {
  const outcome = judge.outcome(from, frame);
  if (outcome.kind !== "answer") throw new Error(`It is not answered, but: ${JSON.stringify(outcome)}.`);
  const said = outcome.frame;
  const ends = { source: said.toString("hex", 22, 38), destination: said.toString("hex", 38, 54) };
  expect(checksum6(ends, said.subarray(54), said[20]), "its sum").to.equal(0);
  return said;
}
const asked = (judge: SwitchJudge, from: Guest, given: Parameters<typeof dhcp6Frame>[1]) =>
  readDhcp6(answerTo(judge, from, dhcp6Frame(from, given)));

describe("DHCPv6 in the switch", () => {
  it("gives each guest its own address, whatever it asks for, and in two steps or in one", () => {
    const judge = judgeOf();
    for (const guest of both) {
      const offer = asked(judge, guest, { type: dhcp6Types.solicit, addresses: ["fd00:1::9"] });
      const own = [{ address: digits(ip6Of(guest)), seconds: 86_400 }];
      expect(offer).to.deep.include({ type: dhcp6Types.advertise, addresses: own, ports: [547, 546] });
      expect([offer?.to, offer?.toMac]).to.deep.equal([digits(linkLocal(guest)), bare(macOf(guest))]);
      const { server = "" } = offer ?? {};
      const given = asked(judge, guest, { type: dhcp6Types.request, server, addresses: [ip6Of(guest)] });
      expect(given).to.deep.include({ type: dhcp6Types.reply, addresses: own, dns: digits("2620:fe::fe") });
      const rapid = asked(judge, guest, { type: dhcp6Types.solicit, rapid: true });
      expect(rapid).to.deep.include({ type: dhcp6Types.reply, addresses: own });
    }
  });

  it("lets a guest keep nothing that is another's", () => {
    const judge = judgeOf();
    const { server = "" } = asked(judge, one, { type: dhcp6Types.solicit }) ?? {};
    const renewed = asked(judge, one, { type: dhcp6Types.renew, server, addresses: [ip6Of(two)] });
    expect(renewed?.addresses).to.deep.equal([
      { address: digits(ip6Of(one)), seconds: 86_400 },
      { address: digits(ip6Of(two)), seconds: 0 },
    ]);
  });

  it("answers guests that hide their MAC, and those that ask by another port", () => {
    const ends = { source: "fe80::1234:5678:9abc:def0" };
    const hidden = asked(judgeOf(), one, { type: dhcp6Types.solicit, ends, from: 50_000 });
    expect(hidden).to.deep.include({ to: digits(ends.source), ports: [547, 546] });
  });

  const silent: readonly (readonly [string, Buffer, string, Given?])[] = [
    ["of another's MAC", dhcp6Frame(one, { type: 1, ends: { sourceMac: macOf(two) } }), "forgedMac"],
    ["of another's address", dhcp6Frame(one, { type: 1, ends: { source: ip6Of(two) } }), "forgedAddress"],
    ["of no address", dhcp6Frame(one, { type: 1, ends: { source: "::" } }), "forgedAddress"],
    [
      "that is no message",
      ip6Frame({ ...ends6(one, two), destination: "ff02::1:2" }, 17, udp(546, 547)),
      "dhcp",
    ],
    ["for another's server", dhcp6Frame(one, { type: 3, server: "00030001020000000001" }), "dhcp"],
    ["without DHCP", dhcp6Frame(one, { type: 1 }), "dhcp", { subnet: { dhcp: false } }],
  ];
  for (const [what, frame, reason, given] of silent)
    it(`is silent to a question ${what}`, () => {
      expect(judgeOf(given).send(one, frame)).to.equal(reason);
    });
});

describe("a router's advertisement in the switch", () => {
  it("is the router's own, to whoever asks", () => {
    const said = readAdvertisement(answerTo(judgeOf(), one, solicitation(one)));
    expect(said).to.deep.equal({
      ...{ by: digits("fe80::f816:3eff:fe06:101"), byMac: bare(gateMac) },
      ...{ to: digits(linkLocal(one)), toMac: bare(macOf(one)), flags: 0x80, routerSeconds: 9_000 },
      options: {
        1: bare(gateMac),
        // On the link, and nothing to make an address of.
        3: `4080${"00015180".repeat(2)}00000000${digits("fd00:1::")}`,
        5: "000000000578",
        25: `000000002328${digits("2620:fe::fe")}`,
      },
    });
  });

  it("goes to all of its side for a guest that has no address yet", () => {
    const said = readAdvertisement(answerTo(judgeOf(), one, solicitation(one, { source: "::" })));
    expect([said?.to, said?.toMac]).to.deep.equal([digits("ff02::1"), "333300000001"]);
  });

  it("leads nowhere where the gateway is no router of ours", () => {
    for (const given of [
      { routers: [] },
      { subnet: { gateway: null } },
      { subnet: { gateway: "fd00:1::99" } },
    ]) {
      const said = readAdvertisement(answerTo(judgeOf(given), one, solicitation(one)));
      expect(said).to.deep.include({ byMac: "02a9fea9fe00", routerSeconds: 0, flags: 0x80 });
      expect(Object.keys(said?.options ?? {})).to.deep.equal(["1", "3", "5", "25"]);
    }
  });

  it("is nothing without DHCP, without an address, and to what is no question", () => {
    const without = [{ subnet: { dhcp: false } }, { port: { addresses: [] } }];
    for (const given of without) expect(judgeOf(given).send(one, solicitation(one))).to.equal("discovery");
    expect(judgeOf().send(one, solicitation(one, {}, 64))).to.equal("discovery");
    expect(judgeOf().send(one, solicitation(one, { source: ip6Of(two) }))).to.equal("forgedAddress");
  });

  it("is followed: the router answers by the address that it has said", () => {
    const judge = judgeOf();
    const question = (target: string) =>
      ip6Frame(
        { ...ends6(one, two), destinationMac: gateMac, destination: target },
        58,
        discovery(135, target),
        255,
      );
    const said = answerTo(judge, one, question("fe80::f816:3eff:fe06:101"));
    expect([said[54], said.toString("hex", 6, 12)]).to.deep.equal([136, bare(gateMac)]);
    // Its flag of a router: without it the guest forgets the way. Other guests have none.
    expect(said[58]).to.equal(0xe0);
    expect(answerTo(judge, one, question(ip6Of(two)))[58]).to.equal(0x60);
  });
});

describe("with DHCPv6 and routers", () => {
  /** By a pair a guest may send for whole ranges. */
  const pairs = [{ cidr: "fe80::/10", mac: null }];
  const forged = (from: Guest, to: Guest): Readonly<Record<string, Buffer>> => {
    const ends = ends6(from, to);
    const local = { ...ends, source: linkLocal(from), destination: linkLocal(to) };
    const all = { ...local, destinationMac: "33:33:00:00:00:01", destination: "ff02::1" };
    const gates = { ...local, source: "fe80::f816:3eff:fe06:101" };
    const advertisement = icmp(134, 0, Buffer.alloc(12));
    return {
      "an advertisement": ip6Frame(local, 58, advertisement, 255),
      "an advertisement to all": ip6Frame(all, 58, advertisement, 255),
      "an advertisement of the router": ip6Frame(gates, 58, advertisement, 255),
      "an answer of DHCPv6": ip6Frame(local, 17, udp(547, 546)),
      "an answer of DHCPv6 to all": ip6Frame(all, 17, udp(547, 546)),
      "an answer of DHCPv6 by another port": ip6Frame(local, 17, udp(5_000, 546)),
      "a server's word to anybody": ip6Frame(local, 17, udp(547, 5_000)),
      "the router's link-local address": ip6Frame(gates, 17, udp(1_000, 2_000)),
    };
  };
  for (const [from, to] of [
    [one, two],
    [two, one],
  ] as const)
    it(`nobody forges them from ${portIdOf(from)} to ${portIdOf(to)}`, () => {
      for (const addressPairs of [[], pairs]) {
        const judge = judgeOf({ port: { addressPairs } });
        for (const [what, frame] of Object.entries(forged(from, to)))
          expect(judge.send(from, frame), what).to.be.oneOf(reasons);
        const allowed = ip6Frame(ends6(from, to), 17, udp(1_000, 2_000));
        expect(judge.send(from, allowed), "what is allowed").to.equal(portIdOf(to));
      }
    });
});

describe("what guests are told of routers unasked", () => {
  const told = (advertiser: Advertiser, given?: Given) =>
    advertiser.apply(planOf(stateWith(given))).map(({ portId, frame }) => {
      const said = readAdvertisement(frame);
      return [portId, said?.byMac, said?.routerSeconds, said?.to];
    });
  const ports = both.map(portIdOf);
  const all = digits("ff02::1");
  const toBoth = (...said: readonly (readonly [string, number])[]) =>
    ports.flatMap((portId) => said.map(([mac, seconds]) => [portId, mac, seconds, all]));
  const service = "02a9fea9fe00";

  it("is nothing at first, and nothing while nothing changes", () => {
    const advertiser = new Advertiser();
    expect(told(advertiser)).to.deep.equal([]);
    expect(told(advertiser)).to.deep.equal([]);
    expect(advertiser.all().map(({ portId }) => portId)).to.deep.equal(ports);
  });

  it("is that a router has come, and that it has gone", () => {
    const advertiser = new Advertiser();
    told(advertiser, { routers: [] });
    expect(told(advertiser)).to.deep.equal(toBoth([bare(gateMac), 9_000]));
    expect(told(advertiser, { routers: [] })).to.deep.equal(toBoth([bare(gateMac), 0], [service, 0]));
  });

  it("is whatever else they would be told if they asked", () => {
    const advertiser = new Advertiser();
    told(advertiser);
    expect(told(advertiser, { subnet: { dnsServers: [] } })).to.deep.equal(toBoth([bare(gateMac), 9_000]));
    expect(told(advertiser, { subnet: { dhcp: false } })).to.deep.equal(toBoth([bare(gateMac), 0]));
    expect(advertiser.all()).to.deep.equal([]);
    expect(told(advertiser)).to.deep.equal(toBoth([bare(gateMac), 9_000]));
  });
});
