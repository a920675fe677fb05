/** Ways outside in the switch, by value: what reaches the process that calls there, and what it may say. */
import { expect } from "chai";
import { AddressSet, addressDigits } from "../../../nodes/switch/filter/address-set.ts";
import { exitAddress, exitNet } from "../../../nodes/switch/routing/exit.ts";
import { localRangesIn, OwnAddresses } from "../../../nodes/switch/routing/own-addresses.ts";
import { arpFrame, flags, icmp, icmpError, tcp, udp } from "../../support/frames.ts";
import {
  exitOf,
  fromOutside,
  gateAddress,
  gateMac,
  headerOf,
  icmpSum,
  interfaceOf,
  outsideOf,
  routed,
  routedState,
  routerOf,
  toRouter,
  undivided,
} from "../../support/routed-world.ts";
import { SwitchJudge } from "../../support/switch-judge.ts";
import { type Guest, ip4Of, macOf, plugOf, portIdOf, sendAll } from "../../support/switch-world.ts";

const one: Guest = { network: 1, number: 11 };
const two: Guest = { network: 2, number: 12 };
const server = "198.51.100.7";
const hello = udp(1_000, 2_000);
const led = routerOf([1, 2], { outside: outsideOf() });
const onlySending = { groups: [{ id: "default", rules: [...sendAll], members: [] }] };
const judgeOf = (routers = [led], exits = [exitOf()]) =>
  new SwitchJudge(routedState([one, two], routers, { exits, networking: onlySending }));
const wordOf = (judge: SwitchJudge, portId: string, frame: Buffer): string => {
  const outcome = judge.outcomeOf(portId, frame);
  if (outcome.kind === "deliver") return outcome.to;
  return outcome.kind === "drop" ? outcome.reason : outcome.kind;
};
const ask = (judge: SwitchJudge, to = server) => judge.outcome(one, routed(toRouter(one, to), 17, hello));
const answer = routed(fromOutside(server, ip4Of(one)), 17, udp(2_000, 1_000));
const codeOf = (outcome: ReturnType<typeof ask>) =>
  outcome.kind === "answer" ? [outcome.frame[34], outcome.frame[35], outcome.reason] : [outcome.kind];

describe("a way outside in the switch", () => {
  it("is what no other route is for, and its answers come back to who has asked", () => {
    const judge = judgeOf();
    expect(wordOf(judge, "exit-1", answer), "nobody has asked").to.equal("ingressRule");
    const asked = ask(judge);
    expect(asked.kind === "deliver" && asked.to).to.equal("exit-1");
    const [frame = Buffer.alloc(0)] = asked.kind === "deliver" ? (asked.frames ?? []) : [];
    expect(headerOf(frame)).to.deep.include({
      source: ip4Of(one),
      destination: server,
      timeToLive: 63,
      isRight: true,
    });
    expect(frame.toString("hex", 0, 12)).to.equal(exitAddress.mac + exitAddress.routerMac);
    const back = judge.outcomeOf("exit-1", answer);
    expect(back.kind === "deliver" && back.to).to.equal(portIdOf(one));
    const [seen = Buffer.alloc(0)] = back.kind === "deliver" ? (back.frames ?? []) : [];
    expect(headerOf(seen)).to.deep.equal({
      ...{ sourceMac: gateMac(1), destinationMac: macOf(one), source: server, destination: ip4Of(one) },
      ...{ timeToLive: 63, isRight: true },
    });
    expect(wordOf(judge, "exit-1", routed(fromOutside(server, ip4Of(two)), 17, udp(2_000, 1_000)))).to.equal(
      "ingressRule",
    );
    expect(wordOf(judge, "exit-1", routed(fromOutside(server, ip4Of(one)), 17, udp(2_001, 1_000)))).to.equal(
      "ingressRule",
    );
  });

  it("never leads to the computer itself, nor where nothing is routed", () => {
    const judge = judgeOf();
    const barred = ["192.0.2.1", "203.0.113.255"];
    judge.barred = new Set(barred.map((text) => addressDigits(text) ?? ""));
    for (const to of barred) expect(codeOf(ask(judge, to)), to).to.deep.equal([3, 13, "notOutside"]);
    const own = [
      exitNet.host,
      exitNet.dns,
      exitNet.dhcp,
      "0.0.0.0",
      "0.1.2.3",
      "127.0.0.1",
      "127.255.255.254",
    ];
    const strange = ["169.254.169.254", "100.100.100.100", "224.0.0.251", "239.255.255.250", "240.0.0.1"];
    for (const to of [...own, ...strange, "255.255.255.255"]) {
      const frames = [
        routed(toRouter(one, to), 17, hello),
        routed(toRouter(one, to), 6, tcp(40_000, 22, flags.syn)),
        routed(toRouter(one, to), 1, icmp(8, 0)),
      ];
      for (const frame of frames) {
        const outcome = judge.outcome(one, frame);
        expect(outcome.kind, to).not.to.equal("deliver");
        expect(outcome).to.have.property("reason", "unrouted");
      }
    }
    expect(judge.memory.connections.count).to.equal(0);
  });

  it("leads nowhere when nobody says which addresses are the computer's", () => {
    const own = new OwnAddresses(() => {
      throw new Error("no file");
    });
    expect(["08080808", "00000000", "ffffffff"].map((address) => own.has(address, 0))).to.deep.equal([
      true,
      true,
      true,
    ]);
  });

  it("is not there without SNAT, without a process of the guest's node, and behind no router that has it", () => {
    const closed = routerOf([1, 2], { outside: outsideOf({ snat: false }) });
    expect(codeOf(ask(judgeOf([closed])))).to.deep.equal([3, 13, "notOutside"]);
    expect(codeOf(ask(judgeOf([led], [])))).to.deep.equal([3, 0, "noExit"]);
    expect(codeOf(ask(judgeOf([led], [exitOf("exit-2", "node-2")])))).to.deep.equal([3, 0, "noExit"]);
    expect(codeOf(ask(judgeOf([led], [exitOf("exit-1", "node-1", "router-9")])))).to.deep.equal([
      3,
      0,
      "noExit",
    ]);
    expect(codeOf(ask(judgeOf([routerOf([1, 2])])))).to.deep.equal([3, 0, "noRoute"]);
  });

  it("is taken through another router that leads there", () => {
    const routes = [{ destination: "0.0.0.0/0", nextHop: gateAddress(2, 2) }];
    const back = [{ destination: "10.0.1.0/24", nextHop: gateAddress(2) }];
    const second = {
      ...routerOf([], { id: "router-2", outside: outsideOf(), routes: back }),
      interfaces: [interfaceOf(2, 2, 2)],
    };
    const judge = judgeOf([routerOf([1, 2], { routes }), second], [exitOf("exit-2", "node-1", "router-2")]);
    expect(ask(judge)).to.include({ kind: "deliver", to: "exit-2" });
    expect(wordOf(judge, "exit-2", answer)).to.equal(portIdOf(one));
  });

  it("is taken by TCP, UDP and ICMP alone, by what is whole, and by what the sender may send", () => {
    const judge = judgeOf();
    expect(codeOf(judge.outcome(one, routed(toRouter(one, server), 47, Buffer.alloc(8))))).to.deep.equal([
      3,
      2,
      "notOutside",
    ]);
    expect(judge.send(one, routed(toRouter(one, server), 17, hello, { more: true }))).to.equal("fragment");
    const large = routed(toRouter(one, server), 17, udp(1, 2, Buffer.alloc(1_300)));
    const small = judgeOf([routerOf([1, 2], { outside: outsideOf({ mtuBytes: 1_280 }) })]);
    for (const frame of [large, undivided(large)]) {
      expect(codeOf(small.outcome(one, frame))).to.deep.equal([3, 4, "tooLarge"]);
      expect(judge.send(one, frame)).to.equal("exit-1");
    }
    judge.apply(routedState([one, two], [led], { exits: [exitOf()], networking: { groups: [] } }));
    expect(judge.send(one, routed(toRouter(one, server), 17, hello))).to.equal("egressRule");
    expect(wordOf(judge, "exit-1", answer), "its rule is gone").to.equal("ingressRule");
  });

  it("says errors of the process in the router's name, about what was asked", () => {
    const judge = judgeOf();
    const asked = routed(toRouter(one, server), 17, hello);
    const error = routed(fromOutside("21.4.98.185", ip4Of(one)), 1, icmpError(3, 0, asked));
    error.writeUInt16BE(0, 36);
    error.writeUInt16BE(icmpSum(error), 36);
    expect(wordOf(judge, "exit-1", error), "about nothing").to.equal("ingressRule");
    expect(judge.send(one, asked)).to.equal("exit-1");
    const told = judge.outcomeOf("exit-1", error);
    const [frame = Buffer.alloc(0)] = told.kind === "deliver" ? (told.frames ?? []) : [];
    expect(headerOf(frame)).to.deep.include({
      source: gateAddress(1),
      destination: ip4Of(one),
      isRight: true,
    });
    expect(icmpSum(frame)).to.equal(0);
  });

  it("hears nothing of its process but packets for guests of its node, and who has their addresses", () => {
    const state = routedState([one, two], [led], { exits: [exitOf()], networking: onlySending });
    const plugs = [
      { ...plugOf(one), node: "node-1" },
      { ...plugOf(two), node: "node-2" },
    ];
    const judge = new SwitchJudge({ ...state, plugs });
    const question = (target: string) =>
      arpFrame({ operation: 1, senderMac: "52:55:64:7f:ff:f9", sender: exitNet.host, target });
    const told = judge.outcomeOf("exit-1", question(ip4Of(one)));
    expect(told.kind === "answer" && told.frame.toString("hex", 22, 28)).to.equal(exitAddress.routerMac);
    const udpTo = (to: string, from = server) => routed(fromOutside(from, to), 17, udp(2_000, 1_000));
    const refused: readonly (readonly [string, Buffer, string])[] = [
      ["a question for its own net", question(exitNet.dns), "unknownAddress"],
      [
        "an answer of ARP",
        arpFrame({ operation: 2, senderMac: macOf(one), sender: ip4Of(one), target: ip4Of(one) }),
        "unknownAddress",
      ],
      ["another node's guest", udpTo(ip4Of(two)), "notHere"],
      ["nobody's address", udpTo("10.0.1.99"), "notHere"],
      ["the router", udpTo(gateAddress(1)), "notHere"],
      ["outside again", udpTo("198.51.100.8"), "notHere"],
      ["its own address", udpTo(ip4Of(one), exitNet.host), "unrouted"],
      ["the loopback", udpTo(ip4Of(one), "127.0.0.1"), "unrouted"],
      ["half a packet", answer.subarray(0, 30), "malformed"],
      ["half a frame", answer.subarray(0, 10), "malformed"],
    ];
    for (const [what, frame, word] of refused) expect(wordOf(judge, "exit-1", frame), what).to.equal(word);
  });
});

describe("the computer's own addresses", () => {
  it("are read out of the kernel's table of routes, with those for everybody on a link", () => {
    const text = [
      "Main:",
      "  +-- 0.0.0.0/0 3 0 5",
      "     |-- 0.0.0.0",
      "        /0 universe UNICAST",
      "     +-- 127.0.0.0/8 2 0 2",
      "           |-- 127.0.0.0",
      "              /32 link BROADCAST",
      "              /8 host LOCAL",
      "           |-- 192.0.2.0",
      "              /24 link UNICAST",
      "           |-- 192.0.2.2",
      "              /32 host LOCAL",
      "           |-- 203.0.113.0",
      "              /24 host LOCAL",
    ].join("\n");
    expect(localRangesIn(text)).to.deep.equal([
      "127.0.0.0/32",
      "127.0.0.0/8",
      "192.0.2.2/32",
      "203.0.113.0/24",
    ]);
  });

  it("are looked at again when they are old", () => {
    let now = ["192.0.2.1"];
    let atMs = 0;
    const own = new OwnAddresses(
      () => now,
      () => atMs++,
    );
    expect(own.has("c0000201", 0)).to.equal(true);
    now = ["192.0.2.2"];
    expect(own.has("c0000202", 19)).to.equal(false);
    expect([own.has("c0000202", 20), own.has("c0000201", 20)]).to.deep.equal([true, false]);
  });

  it("take no more than a twentieth of the time to be read", () => {
    let atMs = 0;
    let readings = 0;
    const own = new OwnAddresses(
      () => {
        readings += 1;
        atMs += 30;
        return [];
      },
      () => atMs,
    );
    for (let nowMs = 0; nowMs < 1_200; nowMs += 1) own.has("c0000201", nowMs);
    expect(readings).to.equal(2);
  });

  it("are those of this computer", () => {
    const own = new OwnAddresses();
    const set = (text: string) => own.has(addressDigits(text) ?? "", 0);
    expect([set("127.0.0.1"), set("127.9.9.9"), set("198.51.100.200")]).to.deep.equal([true, true, false]);
    expect(new AddressSet(["0.0.0.0/0"]).has("08080808")).to.equal(true);
  });
});
