/** Routers in the switch, by value: which way a packet takes, who judges it, and what its sender is told. */
import { expect } from "chai";
import type { HostNetworking, RouterPicture } from "../../../protocol/networking.ts";
import { arpFrame, flags, icmp, icmpError, tcp, udp } from "../../support/frames.ts";
import {
  gateAddress,
  gateMac,
  headerOf,
  icmpSum,
  interfaceOf,
  routed,
  routedState,
  routerOf,
  toRouter,
  undivided,
  withTimeToLive,
} from "../../support/routed-world.ts";
import { SwitchJudge } from "../../support/switch-judge.ts";
import {
  type Guest,
  ip4Of,
  macOf,
  networkOf,
  plugOf,
  portIdOf,
  portOf,
  rule,
} from "../../support/switch-world.ts";

const one: Guest = { network: 1, number: 11 };
const two: Guest = { network: 2, number: 12 };
const three: Guest = { network: 3, number: 13 };
const guests = [one, two, three];
const hello = udp(1_000, 2_000);
/** A question of ICMP's echo whose sum is right. */
const echo = Buffer.from("0800f7f700070001", "hex");

const judgeOf = (routers: readonly RouterPicture[], networking: Partial<HostNetworking> = {}) =>
  new SwitchJudge(routedState(guests, routers, { networking }));
const sendTo = (judge: SwitchJudge, from: Guest, destination: string, router = 1) =>
  judge.send(from, routed(toRouter(from, destination, router), 17, hello));
const framesOf = (judge: SwitchJudge, from: Guest, frame: Buffer): readonly Buffer[] => {
  const outcome = judge.outcome(from, frame);
  return outcome.kind === "deliver" ? (outcome.frames ?? []) : [];
};
/** Type and code of the error that the sender is told, and by whom; or what became of the frame. */
const toldTo = (judge: SwitchJudge, from: Guest, frame: Buffer): readonly (number | string | undefined)[] => {
  const outcome = judge.outcome(from, frame);
  if (outcome.kind !== "answer")
    return [outcome.kind === "drop" ? outcome.reason : outcome.kind === "serve" ? "serve" : outcome.to];
  const { source, destination, destinationMac, isRight } = headerOf(outcome.frame);
  expect([isRight, icmpSum(outcome.frame)]).to.deep.equal([true, 0]);
  expect([destination, destinationMac]).to.deep.equal([ip4Of(from), macOf(from)]);
  return [outcome.frame[34], outcome.frame[35], source];
};
const grouped = (rules: Parameters<typeof rule>[0][]) => ({
  groups: [{ id: "default", rules: rules.map(rule), members: [] }],
});

describe("a router in the switch", () => {
  it("sends a packet on to who has the address on another network, in its own name there", () => {
    const judge = judgeOf([routerOf([1, 2])]);
    const [frame, ...more] = framesOf(judge, one, routed(toRouter(one, ip4Of(two)), 17, hello));
    expect(more).to.have.length(0);
    expect(headerOf(frame ?? Buffer.alloc(0))).to.deep.equal({
      ...{ sourceMac: gateMac(2), destinationMac: macOf(two), source: ip4Of(one), destination: ip4Of(two) },
      ...{ timeToLive: 63, isRight: true },
    });
    expect(sendTo(judge, one, ip4Of(two))).to.equal(portIdOf(two));
    expect(sendTo(judge, two, ip4Of(one))).to.equal(portIdOf(one));
  });

  it("does not touch the frame that has come, and sends no padding on", () => {
    const sent = Buffer.concat([routed(toRouter(one, ip4Of(two)), 17, hello), Buffer.alloc(13, 7)]);
    const before = Buffer.from(sent);
    const [frame] = framesOf(judgeOf([routerOf([1, 2])]), one, sent);
    expect(sent.equals(before)).to.equal(true);
    expect(frame?.length).to.equal(sent.length - 13);
  });

  it("leads to its own networks alone", () => {
    const judge = judgeOf([routerOf([1, 2])]);
    expect(toldTo(judge, one, routed(toRouter(one, ip4Of(three)), 17, hello))).to.deep.equal([
      3,
      0,
      "10.0.1.1",
    ]);
    expect(sendTo(judge, three, ip4Of(one)), "nobody's MAC").to.equal("unknownMac");
    expect(toldTo(judge, one, routed(toRouter(one, "10.0.2.77"), 17, hello))).to.deep.equal([
      3,
      1,
      "10.0.1.1",
    ]);
    expect(toldTo(judge, one, routed(toRouter(one, ip4Of(one)), 17, hello))).to.deep.equal([
      3,
      1,
      "10.0.1.1",
    ]);
  });

  it("answers who asks for its address, and its echo", () => {
    const judge = judgeOf([routerOf([1, 2])]);
    const asked = judge.outcome(
      one,
      arpFrame({ operation: 1, senderMac: macOf(one), sender: ip4Of(one), target: gateAddress(1) }),
    );
    expect(asked.kind === "answer" && asked.frame.toString("hex", 22, 32)).to.equal("fa163e0001010a000101");
    for (const address of [gateAddress(1), gateAddress(2)])
      expect(toldTo(judge, one, routed(toRouter(one, address), 1, echo))).to.deep.equal([0, 0, address]);
    expect(toldTo(judge, one, routed(toRouter(one, gateAddress(1)), 17, hello))).to.deep.equal([
      ...[3, 3, gateAddress(1)],
    ]);
    expect(sendTo(judge, one, gateAddress(1))).to.equal("answer");
  });

  it("is nobody but itself, whatever guests may send", () => {
    const pairs = [
      { cidr: "10.0.1.1/32", mac: null },
      { cidr: "10.0.1.1/32", mac: gateMac(1) },
      { cidr: "0.0.0.0/0", mac: null },
    ];
    for (const portSecurity of [true, false]) {
      const port = portOf(one, { addressPairs: pairs, portSecurity });
      const networks = [networkOf(1, [port, portOf({ ...one, number: 14 })]), networkOf(2, [portOf(two)])];
      const judge = new SwitchJudge(
        routedState([one, { ...one, number: 14 }, two], [routerOf([1, 2])], { networking: { networks } }),
      );
      const asked = judge.outcome(
        { ...one, number: 14 },
        arpFrame({
          ...{
            operation: 1,
            senderMac: macOf({ ...one, number: 14 }),
            sender: ip4Of({ ...one, number: 14 }),
          },
          target: gateAddress(1),
        }),
      );
      expect(asked.kind === "answer" && asked.frame.toString("hex", 22, 28)).to.equal("fa163e000101");
      const ends = { ...toRouter(one, ip4Of(two)), sourceMac: gateMac(1) };
      expect(judge.send(one, routed(ends, 17, hello))).to.equal("forgedMac");
      if (!portSecurity) continue;
      expect(
        judge.send(one, routed({ ...toRouter(one, ip4Of(two)), source: gateAddress(1) }, 17, hello)),
      ).to.equal("forgedAddress");
      const probe = {
        operation: 1,
        senderMac: macOf(one),
        sender: gateAddress(1),
        target: gateAddress(1),
      } as const;
      expect(judge.send(one, arpFrame(probe))).to.equal("forgedArp");
    }
  });

  it("says when a packet has passed too many routers", () => {
    const judge = judgeOf([routerOf([1, 2])]);
    const frame = routed(toRouter(one, ip4Of(two)), 17, hello);
    for (const timeToLive of [0, 1])
      expect(toldTo(judge, one, withTimeToLive(frame, timeToLive))).to.deep.equal([11, 0, "10.0.1.1"]);
    expect(judge.send(one, withTimeToLive(frame, 2))).to.equal(portIdOf(two));
  });

  it("takes the longest of its routes, and those through guests and other routers", () => {
    const through = { number: 15, network: 2 };
    const all = [...guests, through];
    const routes = [
      { destination: "172.16.0.0/12", nextHop: ip4Of(two) },
      { destination: "172.16.1.0/24", nextHop: ip4Of(through) },
      { destination: "10.0.3.0/24", nextHop: gateAddress(2, 2) },
      { destination: "192.168.0.0/16", nextHop: "10.0.9.9" },
    ];
    const second = {
      ...routerOf([], { id: "router-2" }),
      interfaces: [interfaceOf(2, 2, 2), interfaceOf(3, 2)],
      routes: [{ destination: "10.0.1.0/24", nextHop: gateAddress(2) }],
    };
    const judge = new SwitchJudge(routedState(all, [routerOf([1, 2], { routes }), second]));
    expect(sendTo(judge, one, "172.17.0.1")).to.equal(portIdOf(two));
    expect(sendTo(judge, one, "172.16.1.1")).to.equal(portIdOf(through));
    expect(sendTo(judge, one, "192.168.1.1")).to.equal("answer");
    const [frame] = framesOf(judge, one, routed(toRouter(one, ip4Of(three)), 17, hello));
    expect(headerOf(frame ?? Buffer.alloc(0))).to.include({
      sourceMac: gateMac(3, 2),
      timeToLive: 62,
      isRight: true,
    });
    expect(sendTo(judge, three, ip4Of(one), 2)).to.equal(portIdOf(one));
    const late = withTimeToLive(routed(toRouter(one, ip4Of(three)), 17, hello), 2);
    expect(toldTo(judge, one, late), "the second router").to.deep.equal([11, 0, gateAddress(2, 2)]);
    expect(toldTo(judge, one, routed(toRouter(one, gateAddress(3)), 1, echo))).to.deep.equal([
      0,
      0,
      gateAddress(3),
    ]);
  });

  it("leads into no ring of routers", () => {
    const back = routerOf([], { id: "router-2", interfaces: [interfaceOf(2, 2, 2)] });
    const routers = [
      routerOf([1, 2], { routes: [{ destination: "172.16.0.0/12", nextHop: gateAddress(2, 2) }] }),
      { ...back, routes: [{ destination: "172.16.0.0/12", nextHop: gateAddress(2) }] },
    ];
    const told = toldTo(judgeOf(routers), one, routed(toRouter(one, "172.16.0.1"), 17, hello));
    expect(told.slice(0, 2)).to.deep.equal([3, 0]);
  });

  it("routes nothing of link-local, shared, loopback, multicast and reserved addresses, nor IPv6", () => {
    const routes = [{ destination: "0.0.0.0/0", nextHop: ip4Of(two) }];
    const judge = judgeOf([routerOf([1, 2], { routes })]);
    const strange = ["0.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "224.0.0.5", "255.255.255.255"];
    for (const address of strange) {
      const outcome = judge.outcome(one, routed(toRouter(one, address), 17, hello));
      expect(outcome.kind, address).not.to.equal("deliver");
      expect(outcome).to.have.property("reason", "unrouted");
      const isTold = outcome.kind === "answer" && [...outcome.frame.subarray(34, 36)];
      expect(isTold, address).to.deep.equal(Number.parseInt(address, 10) < 224 ? [3, 13] : false);
    }
    expect(sendTo(judge, one, "198.51.100.1")).to.equal(portIdOf(two));
  });

  it("drops what was damaged on its way", () => {
    const frame = routed(toRouter(one, ip4Of(two)), 17, hello);
    frame[25] = (frame[25] ?? 0) ^ 1;
    expect(judgeOf([routerOf([1, 2])]).send(one, frame)).to.equal("malformed");
  });

  it("asks the sender's rules first, then those of who gets it, and lets answers back", () => {
    const judge = judgeOf(
      [routerOf([1, 2])],
      grouped([
        { direction: "egress", protocol: 6, portMin: 80, portMax: 81 },
        { protocol: 6, portMin: 80, portMax: 80 },
      ]),
    );
    const call = (port: number) => routed(toRouter(one, ip4Of(two)), 6, tcp(40_000, port, flags.syn));
    const answer = routed(toRouter(two, ip4Of(one)), 6, tcp(80, 40_000, flags.syn | flags.acknowledge));
    expect(judge.send(two, answer)).to.equal("noConnection");
    expect(judge.send(one, call(82))).to.equal("egressRule");
    expect(judge.outcome(one, call(81))).to.deep.equal({
      kind: "drop",
      reason: "ingressRule",
      to: portIdOf(two),
    });
    expect(judge.send(one, call(80))).to.equal(portIdOf(two));
    expect(judge.send(two, answer)).to.equal(portIdOf(one));
    const error = routed(toRouter(two, ip4Of(one)), 1, icmpError(3, 3, call(80)));
    expect(judge.send(two, error), "about a connection").to.equal(portIdOf(one));
    judge.apply(routedState(guests, [routerOf([1, 2])], { networking: grouped([]) }));
    expect(judge.send(two, answer), "its rule is gone").to.equal("noConnection");
    expect(judge.send(one, routed(toRouter(one, ip4Of(three)), 17, hello)), "no word either").to.equal(
      "egressRule",
    );
  });

  it("says what is too large, and divides what may be", () => {
    const networks = [networkOf(1, [portOf(one)]), { ...networkOf(2, [portOf(two)]), mtuBytes: 1_000 }];
    const judge = new SwitchJudge(routedState([one, two], [routerOf([1, 2])], { networking: { networks } }));
    const text = Buffer.from(Array.from({ length: 1_300 }, (_, at) => at & 255));
    const large = routed(toRouter(one, ip4Of(two)), 17, udp(1, 2, text));
    const outcome = judge.outcome(one, undivided(large));
    expect(outcome.kind === "answer" && outcome.frame.readUInt16BE(40), "the next link's size").to.equal(
      1_000,
    );
    expect(toldTo(judge, one, undivided(large))).to.deep.equal([3, 4, "10.0.1.1"]);
    const parts = framesOf(judge, one, large);
    expect(parts.map((part) => headerOf(part).isRight)).to.deep.equal([true, true]);
    expect(parts.map((part) => part.readUInt16BE(20))).to.deep.equal([0x2000, 976 / 8]);
    expect(parts.every((part) => part.length <= 1_014)).to.equal(true);
    expect(Buffer.concat(parts.map((part) => part.subarray(34))).equals(large.subarray(34))).to.equal(true);
  });

  it("tells one guest of errors only so often, and about no error", () => {
    const judge = judgeOf([routerOf([1, 2])]);
    const lost = routed(toRouter(one, ip4Of(three)), 17, hello);
    const words = Array.from({ length: 1_000 }, () => judge.send(one, lost));
    expect(words.filter((word) => word === "answer")).to.have.length(20);
    expect(words.at(-1)).to.equal("noRoute");
    expect(judge.send(two, routed(toRouter(two, ip4Of(three)), 17, hello)), "another guest").to.equal(
      "answer",
    );
    judge.nowMs += 50;
    expect(judge.send(one, lost)).to.equal("answer");
    judge.nowMs += 60_000;
    judge.memory.sweep(judge.nowMs);
    expect(judge.memory.errors.count).to.equal(0);
    const error = routed(toRouter(one, ip4Of(three)), 1, icmpError(3, 3, lost));
    expect(judge.send(one, error)).to.equal("noRoute");
    expect(judge.send(one, routed(toRouter(one, ip4Of(three)), 1, icmp(9, 0)))).to.equal("router");
  });

  it("keeps two projects apart whose networks have the same addresses", () => {
    const state = routedState([one, two], [routerOf([1, 2])]);
    const { networking } = state;
    const twins = (networking?.networks ?? []).map((network) => ({
      ...{ ...network, id: `${network.id}-twin`, number: network.number + 10 },
      ports: network.ports.map((port) => ({
        ...port,
        id: `${port.id}-twin`,
        instanceId: `${port.instanceId}-twin`,
      })),
    }));
    const [router] = networking?.routers ?? [];
    const twinRouter = {
      ...routerOf([]),
      id: "router-twin",
      interfaces: (router?.interfaces ?? []).map((each) => ({
        ...each,
        networkId: `${each.networkId}-twin`,
      })),
    };
    const judge = new SwitchJudge({
      networking: {
        ...{ version: 1, groups: networking?.groups ?? [] },
        networks: [...(networking?.networks ?? []), ...twins],
        routers: [...(router === undefined ? [] : [router]), twinRouter],
      },
      plugs: [one, two].flatMap((guest) => [
        plugOf(guest),
        {
          ...{
            ...plugOf(guest),
            portId: `${portIdOf(guest)}-twin`,
            networkId: `network-${guest.network}-twin`,
          },
          instanceId: `instance-${portIdOf(guest)}-twin`,
        },
      ]),
    });
    expect(sendTo(judge, one, ip4Of(two))).to.equal(portIdOf(two));
    const twin = judge.outcomeOf(`${portIdOf(one)}-twin`, routed(toRouter(one, ip4Of(two)), 17, hello));
    expect(twin).to.include({ kind: "deliver", to: `${portIdOf(two)}-twin` });
    expect(judge.memory.connections.count).to.equal(2);
  });
});
