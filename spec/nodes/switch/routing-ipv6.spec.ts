/** IPv6 by routers in the switch, by value: which way a packet takes, and what its sender is told. */
import { expect } from "chai";
import { checksum6 } from "../../../nodes/switch/frames/packet6.ts";
import type { RouterPicture } from "../../../protocol/networking.ts";
import { discovery, type Ends, flags, icmp, ip6Frame, tcp, udp } from "../../support/frames.ts";
import { exitOf, interfaceOf, outsideOf, routedState, routerOf } from "../../support/routed-world.ts";
import { SwitchJudge } from "../../support/switch-judge.ts";
import { type Guest, ip6Of, macOf, networkOf, portIdOf, portOf, rule } from "../../support/switch-world.ts";

const one: Guest = { network: 1, number: 11 };
const two: Guest = { network: 2, number: 12 };
const three: Guest = { network: 3, number: 13 };
const guests = [one, two, three];
const hello = udp(1_000, 2_000);

const gateMac = (network: number): string => `fa:16:3e:06:01:0${network}`;
const gateAddress = (network: number): string => `fd00:${network}::1`;
const interface6 = (network: number): RouterPicture["interfaces"][number] => ({
  ...interfaceOf(network),
  ...{ portId: `gate6-${network}`, mac: gateMac(network), subnetId: `subnet6-${network}` },
  address: gateAddress(network),
});
const router = (given: Partial<RouterPicture> = {}): RouterPicture =>
  routerOf([], { interfaces: [interfaceOf(1), interface6(1), interface6(2)], ...given });
const judgeOf = (given: Partial<RouterPicture> = {}, more: Parameters<typeof routedState>[2] = {}) =>
  new SwitchJudge(routedState(guests, [router(given)], more));

const toRouter = (from: Guest, destination: string): Ends => ({
  ...{ sourceMac: macOf(from), destinationMac: gateMac(from.network), source: ip6Of(from), destination },
});
const sent = (from: Guest, destination: string, payload = hello, hops = 64): Buffer =>
  ip6Frame(toRouter(from, destination), 17, payload, hops);
/** Type and code of an error that the sender gets, and by whom; or what became of the frame. */
function toldTo(judge: SwitchJudge, from: Guest, frame: Buffer) {
  const outcome = judge.outcome(from, frame);
  if (outcome.kind !== "answer") return outcome.kind === "drop" ? outcome.reason : outcome.kind;
  const said = outcome.frame;
  const [source, destination] = [said.toString("hex", 22, 38), said.toString("hex", 38, 54)];
  expect(checksum6({ source, destination }, said.subarray(54)), "its sum").to.equal(0);
  expect(said.toString("hex", 0, 6)).to.equal(macOf(from).replaceAll(":", ""));
  return [said[54], said[55], source.replace(/^(fd00)(000.)0+1$/, "$1:$2")];
}

describe("a router of IPv6 in the switch", () => {
  it("sends a packet on to who has the address on another network, in its own name there", () => {
    const judge = judgeOf();
    const frame = sent(one, ip6Of(two));
    const before = Buffer.from(frame);
    const outcome = judge.outcome(one, Buffer.concat([frame, Buffer.alloc(9)]));
    if (outcome.kind !== "deliver") throw new Error("It is not delivered.");
    expect(outcome.to).to.equal(portIdOf(two));
    const [only = Buffer.alloc(0), ...more] = outcome.frames ?? [];
    expect(more).to.deep.equal([]);
    expect(only.toString("hex", 0, 12)).to.equal(`${macOf(two)}${gateMac(2)}`.replaceAll(":", ""));
    expect([only[21], only.subarray(22).equals(before.subarray(22))]).to.deep.equal([63, true]);
    expect(frame.equals(before)).to.equal(true);
  });

  it("leads to its own networks alone, and never outside", () => {
    const exits = [exitOf()];
    for (const given of [{}, { outside: outsideOf() }]) {
      const judge = judgeOf(given, { exits });
      expect(toldTo(judge, one, sent(one, ip6Of(three)))).to.deep.equal([1, 0, "fd00:0001"]);
      expect(toldTo(judge, one, sent(one, "2001:db8::1"))).to.deep.equal([1, 0, "fd00:0001"]);
      expect(toldTo(judge, one, sent(one, "fd00:2::77"))).to.deep.equal([1, 3, "fd00:0001"]);
    }
  });

  it("routes nothing of link-local addresses, of groups, or of the computer itself", () => {
    const judge = judgeOf({ routes: [{ destination: "::/0", nextHop: ip6Of(two) }] });
    for (const address of ["fe80::1", "::1", "::ffff:a00:1", "::"])
      expect(toldTo(judge, one, sent(one, address)), address).to.deep.equal([1, 1, "fd00:0001"]);
    for (const address of ["ff02::1", "ff0e::1"])
      expect(toldTo(judge, one, sent(one, address)), address).to.equal("unrouted");
    const linkLocal = { ...toRouter(one, ip6Of(two)), source: "fe80::5054:ff:fe00:10b" };
    expect(toldTo(judge, one, ip6Frame(linkLocal, 17, hello))).to.equal("unrouted");
    expect(judge.send(one, sent(one, "2001:db8::1"))).to.equal(portIdOf(two));
  });

  it("takes no hop of the other family for its own", () => {
    const judge = judgeOf({ routes: [{ destination: "2001:db8::/32", nextHop: "10.0.1.12" }] });
    expect(toldTo(judge, one, sent(one, "2001:db8::1"))).to.deep.equal([1, 0, "fd00:0001"]);
  });

  it("answers who asks for its address, and its echo", () => {
    const judge = judgeOf();
    const many = { destinationMac: "33:33:ff:00:00:01", destination: "ff02::1:ff00:1" };
    const asked = judge.outcome(
      one,
      ip6Frame({ ...toRouter(one, ""), ...many }, 58, discovery(135, gateAddress(1)), 255),
    );
    expect(asked.kind === "answer" && asked.frame.subarray(-6).toString("hex")).to.equal("fa163e060101");
    const echo = icmp(128, 0, Buffer.from("00070001", "hex"));
    const ends = [ip6Of(one), gateAddress(2)].map((text) => text.replace("::", ":0:0:0:0:0:0:"));
    const [source = "", destination = ""] = ends.map((text) =>
      text
        .split(":")
        .map((part) => part.padStart(4, "0"))
        .join(""),
    );
    echo.writeUInt16BE(0, 2);
    echo.writeUInt16BE(checksum6({ source, destination }, echo), 2);
    const frame = ip6Frame(toRouter(one, gateAddress(2)), 58, echo);
    expect(toldTo(judge, one, frame)).to.deep.equal([129, 0, "fd00:0002"]);
    expect(toldTo(judge, one, sent(one, gateAddress(1)))).to.deep.equal([1, 4, "fd00:0001"]);
  });

  it("tells who sends too large packets how large they may be, and divides none", () => {
    const ports = [networkOf(1, [portOf(one)]), { ...networkOf(2, [portOf(two)]), mtuBytes: 1_280 }];
    const judge = judgeOf({}, { networking: { networks: ports } });
    const fits = sent(one, ip6Of(two), udp(1_000, 2_000, Buffer.alloc(1_280 - 48)));
    expect(judge.send(one, fits)).to.equal(portIdOf(two));
    const large = sent(one, ip6Of(two), udp(1_000, 2_000, Buffer.alloc(1_281 - 48)));
    expect(toldTo(judge, one, large)).to.deep.equal([2, 0, "fd00:0001"]);
    const outcome = judge.outcome(one, large);
    expect(outcome.kind === "answer" && outcome.frame.readUInt32BE(58)).to.equal(1_280);
    expect(outcome.kind === "answer" && outcome.frame.length).to.equal(14 + 1_280);
  });

  it("sends nothing on that has passed too many routers", () => {
    const judge = judgeOf();
    expect(toldTo(judge, one, sent(one, ip6Of(two), hello, 1))).to.deep.equal([3, 0, "fd00:0001"]);
    expect(judge.send(one, sent(one, ip6Of(two), hello, 2))).to.equal(portIdOf(two));
  });

  it("asks the rules of both ends, and lets answers back", () => {
    const only = { ipVersion: 6, protocol: 6, portMin: 80, portMax: 80 } as const;
    const rules = [rule({ ...only, direction: "egress", portMax: 81 }), rule(only)];
    const judge = judgeOf({}, { networking: { groups: [{ id: "default", rules, members: [] }] } });
    const call = (port: number) => ip6Frame(toRouter(one, ip6Of(two)), 6, tcp(40_000, port, flags.syn));
    const answer = ip6Frame(toRouter(two, ip6Of(one)), 6, tcp(80, 40_000, flags.syn | flags.acknowledge));
    expect(judge.send(two, answer)).to.equal("noConnection");
    expect(judge.send(one, call(82))).to.equal("egressRule");
    expect(judge.send(one, call(81))).to.equal("ingressRule");
    expect(judge.send(one, call(80))).to.equal(portIdOf(two));
    expect(judge.send(two, answer)).to.equal(portIdOf(one));
  });

  it("is nobody but itself, whatever guests may send", () => {
    const pairs = [{ cidr: "::/0", mac: null }];
    const networks = [networkOf(1, [portOf(one, { addressPairs: pairs })]), networkOf(2, [portOf(two)])];
    const judge = judgeOf({}, { networking: { networks } });
    const as = (given: Partial<Ends>) => ip6Frame({ ...toRouter(one, ip6Of(two)), ...given }, 17, hello);
    expect(judge.send(one, as({ sourceMac: gateMac(1) }))).to.equal("forgedMac");
    expect(judge.send(one, as({ source: gateAddress(1) }))).to.equal("forgedAddress");
  });
});
