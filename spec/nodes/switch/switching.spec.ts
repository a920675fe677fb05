/** What becomes of a frame, by value: who gets it, what is answered, and why the rest is dropped. */
import { expect } from "chai";
import fc from "fast-check";
import {
  arpFrame,
  dhcpFrame,
  discovery,
  ethernet,
  flags,
  icmp,
  ip4Frame,
  ip6Frame,
  tcp,
  udp,
} from "../../support/frames.ts";
import { SwitchJudge } from "../../support/switch-judge.ts";
import {
  ends4,
  ends6,
  type Guest,
  ip4Of,
  macOf,
  networkOf,
  pictureOf,
  plugOf,
  portIdOf,
  portOf,
  stateOfGuests,
} from "../../support/switch-world.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const one: Guest = { network: 1, number: 1 };
const two: Guest = { network: 1, number: 2 };
const three: Guest = { network: 1, number: 3 };
const other: Guest = { network: 2, number: 1 };
const all = [one, two, other];
const [there, there6] = [ends4(one, two), ends6(one, two)];
const everybody = "ff:ff:ff:ff:ff:ff";
const hello = udp(1_000, 2_000);
const asks = { operation: 1, senderMac: macOf(one), sender: ip4Of(one), target: ip4Of(two) } as const;

describe(`a frame in the switch (SEED=${seed})`, () => {
  let judge: SwitchJudge;
  beforeEach(() => {
    judge = SwitchJudge.of(all, pictureOf(all));
  });

  it("goes to the port of its network that has its MAC, and to no other", () => {
    const [toTwo, toOther] = [portIdOf(two), ends4(one, other)];
    expect(judge.send(one, ip4Frame(there, 17, hello))).to.equal(toTwo);
    expect(judge.send(one, ip6Frame(there6, 17, hello))).to.equal(toTwo);
    expect(judge.send(one, ip4Frame(toOther, 17, hello))).to.equal("unknownMac");
    expect(judge.send(one, ip4Frame({ ...there, destinationMac: macOf(one) }, 17, hello))).to.equal(
      "unknownMac",
    );
    expect(judge.send(one, ip4Frame({ ...there, destinationMac: everybody }, 17, hello))).to.equal(
      "broadcast",
    );
    const group = { ...there6, destinationMac: "33:33:00:00:00:fb", destination: "ff02::fb" };
    expect(judge.send(one, ip6Frame(group, 17, hello))).to.equal("broadcast");
  });

  const forged: readonly (readonly [string, Buffer, string])[] = [
    ["another's MAC", ip4Frame({ ...there, sourceMac: macOf(three) }, 17, hello), "forgedMac"],
    ["the receiver's MAC", ip4Frame({ ...there, sourceMac: macOf(two) }, 17, hello), "forgedMac"],
    ["another's address", ip4Frame({ ...there, source: ip4Of(three) }, 17, hello), "forgedAddress"],
    ["no address", ip4Frame({ ...there, source: "0.0.0.0" }, 17, hello), "forgedAddress"],
    [
      "a later fragment's address",
      ip4Frame({ ...there, source: ip4Of(three) }, 17, hello, { offset: 80 }),
      "forgedAddress",
    ],
    ["another's address of IPv6", ip6Frame({ ...there6, source: "fd00:1::3" }, 17, hello), "forgedAddress"],
    [
      "a link-local address of another MAC",
      ip6Frame({ ...there6, source: "fe80::1" }, 17, hello),
      "forgedAddress",
    ],
    ["no address of IPv6", ip6Frame({ ...there6, source: "::" }, 58, icmp(128, 0)), "forgedAddress"],
    ["another's address in ARP", arpFrame({ ...asks, sender: ip4Of(three) }), "forgedArp"],
    ["another's MAC in ARP", arpFrame({ ...asks, senderMac: macOf(three), from: macOf(one) }), "forgedArp"],
    ["ARP's answer for nobody", arpFrame({ ...asks, operation: 2, sender: "0.0.0.0" }), "forgedArp"],
    ["a DHCP server", ip4Frame(there, 17, udp(67, 68)), "dhcpServer"],
    ["a DHCP server of IPv6", ip6Frame(there6, 17, udp(547, 546)), "dhcpServer"],
    ["a router's advertisement", ip6Frame(there6, 58, icmp(134, 0, Buffer.alloc(16)), 255), "router"],
    ["a router's redirect", ip6Frame(there6, 58, icmp(137, 0, Buffer.alloc(40)), 255), "router"],
    ["a redirect of IPv4", ip4Frame(there, 1, icmp(5, 1)), "router"],
    ["a router's advertisement of IPv4", ip4Frame(there, 1, icmp(9, 0)), "router"],
    ["802.1Q", ethernet(there, 0x8100, Buffer.alloc(60)), "etherType"],
    ["an unknown kind", ethernet(there, 0x88cc, Buffer.alloc(60)), "etherType"],
    ["half a packet", ip4Frame(there, 17, hello).subarray(0, 40), "malformed"],
    ["half a frame", Buffer.alloc(10), "malformed"],
    ["more than the network carries", ip4Frame(there, 17, udp(1, 2, Buffer.alloc(1_400))), "tooLarge"],
  ];
  for (const [what, frame, reason] of forged)
    it(`with ${what} is dropped as ${reason}`, () => {
      expect(judge.send(one, frame)).to.equal(reason);
    });

  it("of a port without security may be anything that has a destination, for another such port", () => {
    const open = { port: { portSecurity: false, groupIds: [] } };
    const free = SwitchJudge.of([...all, three], pictureOf([...all, three], open));
    const kinds = ["another's MAC", "another's address", "802.1Q", "an unknown kind", "a DHCP server"];
    for (const [what, frame] of forged.filter(([what]) => kinds.includes(what)))
      expect(free.send(one, frame), what).to.equal(portIdOf(two));
    expect(
      free.send(one, ethernet({ ...there, destinationMac: everybody }, 0x88cc, Buffer.alloc(60))),
    ).to.equal("broadcast");
    const filtered = { ...networkOf(1, [portOf(one, open.port), portOf(two)]) };
    const mixed = SwitchJudge.of([one, two], { version: 1, networks: [filtered], groups: [] });
    expect(mixed.send(one, ethernet(there, 0x88cc, Buffer.alloc(60)))).to.equal("etherType");
    expect(mixed.send(one, ip4Frame(there, 17, hello))).to.equal("ingressRule");
  });

  it("may be from the port's address pairs, with the MAC that they name", () => {
    const addressPairs = [
      { cidr: "10.8.0.0/16", mac: null },
      { cidr: "10.9.0.9/32", mac: "52:54:00:aa:aa:aa" },
    ];
    const networks = [networkOf(1, [portOf(one, { addressPairs }), portOf(two, { portSecurity: false })])];
    const paired = SwitchJudge.of([one, two], { ...pictureOf([one, two]), networks });
    const from = (source: string, sourceMac: string) =>
      paired.send(one, ip4Frame({ ...there, source, sourceMac }, 17, hello));
    expect(from("10.8.7.6", macOf(one))).to.equal(portIdOf(two));
    expect(from("10.9.0.9", "52:54:00:aa:aa:aa")).to.equal(portIdOf(two));
    expect(from("10.8.7.6", "52:54:00:aa:aa:aa")).to.equal("forgedAddress");
    expect(from("10.9.0.9", macOf(one))).to.equal("forgedAddress");
    expect(
      paired.send(two, ip4Frame({ ...ends4(two, one), destinationMac: "52:54:00:aa:aa:aa" }, 17, hello)),
    ).to.equal(portIdOf(one));
    expect(
      paired.send(two, arpFrame({ ...asks, senderMac: macOf(two), sender: ip4Of(two), target: "10.9.0.9" })),
    ).to.equal("answer");
  });

  it("that asks for a neighbour is answered when the picture has it, and goes to nobody", () => {
    const arp = (target: string, sender = ip4Of(one)) =>
      judge.send(one, arpFrame({ ...asks, target, sender }));
    expect([arp(ip4Of(two)), arp(ip4Of(two), "0.0.0.0"), arp("169.254.169.254")]).to.deep.equal([
      ...["answer", "answer", "answer"],
    ]);
    const silent = [ip4Of(one), ip4Of(three), ip4Of(other), "10.0.1.1"];
    expect(silent.map((target) => arp(target))).to.deep.equal(silent.map(() => "unknownAddress"));
    expect(judge.send(one, arpFrame({ ...asks, operation: 2 }))).to.equal("discovery");
    const asked = (target: string, source = there6.source) => {
      const ends = { ...there6, source, destinationMac: "33:33:ff:00:00:02", destination: "ff02::1:ff00:2" };
      return judge.send(one, ip6Frame(ends, 58, discovery(135, target), 255));
    };
    const own = "fe80::5054:00ff:fe00:0102";
    expect([asked(there6.destination), asked(own), asked(own, "::")]).to.deep.equal([
      "answer",
      "answer",
      "answer",
    ]);
    expect([asked("fd00:1::9"), asked(there6.source), asked("fd00:2::1")]).to.deep.equal([
      ...["unknownAddress", "unknownAddress", "unknownAddress"],
    ]);
    expect(judge.send(one, ip6Frame(there6, 58, discovery(136, there6.source), 255))).to.equal("discovery");
    expect(judge.send(one, ip6Frame(there6, 58, icmp(133, 0), 255))).to.equal("discovery");
  });

  it("of DHCP's clients goes to the switch alone, wherever it is sent to", () => {
    const ends = [
      {},
      { destinationMac: "02:a9:fe:a9:fe:00", destination: "169.254.169.254", source: ip4Of(one) },
    ];
    for (const given of ends) {
      const outcome = judge.outcome(one, dhcpFrame(macOf(one), { type: 3, requested: ip4Of(one) }, given));
      expect(outcome.kind).to.equal("answer");
    }
    const toTwo = { destinationMac: macOf(two), destination: ip4Of(two), source: ip4Of(one) };
    expect(judge.send(one, dhcpFrame(macOf(one), { type: 1 }, toTwo))).to.equal("dhcp");
    const pretends = dhcpFrame(macOf(two), { type: 1 }, { sourceMac: macOf(one) });
    expect(judge.send(one, pretends), "another's address in it").to.equal("dhcp");
  });

  it("of DHCP is answered to the guest, or to all of its side when it asks for that", () => {
    const answered = (broadcast: boolean) => {
      const outcome = judge.outcome(one, dhcpFrame(macOf(one), { type: 1, broadcast }));
      if (outcome.kind !== "answer") throw new Error("There is no answer.");
      const { frame } = outcome;
      return [frame.toString("hex", 0, 6), frame.toString("hex", 26, 34), frame.readUInt32BE(34)];
    };
    const ports = (67 << 16) | 68;
    expect(answered(false)).to.deep.equal(["525400000101", "a9fea9fe0a000101", ports]);
    expect(answered(true)).to.deep.equal(["ffffffffffff", "a9fea9feffffffff", ports]);
  });

  it("passes no port that is not in the picture, or of which the picture says something else", () => {
    const frame = ip4Frame(there, 17, hello);
    const sent = (networking: ReturnType<typeof pictureOf> | null, change = {}) => {
      const plugs = all.map((guest) => ({ ...plugOf(guest), ...(guest === one ? change : {}) }));
      return new SwitchJudge({ networking, plugs }).send(one, frame);
    };
    expect(sent(pictureOf(all))).to.equal(portIdOf(two));
    expect([sent(null), sent(pictureOf([two, other]))]).to.deep.equal(["closed", "closed"]);
    const changes = [{ mac: macOf(three) }, { networkId: "network-2" }, { instanceId: "another" }];
    expect(changes.map((change) => sent(pictureOf(all), change))).to.deep.equal([
      "closed",
      "closed",
      "closed",
    ]);
    expect(sent(pictureOf([one, other])), "the receiver is not in it").to.equal("unknownMac");
    expect(new SwitchJudge().send(one, frame)).to.equal("closed");
    expect(new SwitchJudge(stateOfGuests([], pictureOf(all))).send(one, frame), "no plugs").to.equal(
      "closed",
    );
  });

  it("whatever it is, goes to its own network or nowhere, and has no fault", () => {
    const samples = [
      ...[ip4Frame(there, 6, tcp(1, 2, flags.syn)), ip4Frame(there, 17, hello), arpFrame(asks)],
      ...[ip6Frame(there6, 17, hello), dhcpFrame(macOf(one), { type: 1 }), Buffer.alloc(100)],
      ip6Frame(there6, 58, discovery(135, there6.destination), 255),
    ];
    const changes = fc.array(fc.tuple(fc.nat(320), fc.nat(255)), { maxLength: 6 });
    const given = fc.tuple(fc.constantFrom(...samples), changes, fc.nat(400));
    const property = fc.property(given, fc.constantFrom(...all), ([sample, some, length], from) => {
      const copy = Buffer.from(sample.subarray(0, length));
      for (const [at, value] of some) if (at < copy.length) copy[at] = value;
      const outcome = judge.outcome(from, copy);
      if (outcome.kind !== "deliver") return;
      expect([from, outcome.to]).to.deep.equal([
        from.network === 1 ? from : other,
        portIdOf(from === one ? two : one),
      ]);
      expect(copy.toString("hex", 6, 12)).to.equal(macOf(from).replaceAll(":", ""));
    });
    fc.assert(property, { seed, numRuns: 5_000 });
  });
});
