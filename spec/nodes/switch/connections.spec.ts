/** The table of connections and that of fragments: their bounds, and their times. */
import { expect } from "chai";
import { Connections, type Ends } from "../../../nodes/switch/filter/connections.ts";
import { Fragments } from "../../../nodes/switch/filter/fragments.ts";
import { idleMsOf, mayBegin, stageAfter } from "../../../nodes/switch/filter/stages.ts";
import { type Carried, reversed } from "../../../nodes/switch/frames/flow.ts";
import type { IpPacket } from "../../../nodes/switch/frames/ip.ts";
import { switchLimits } from "../../../nodes/switch/limits.ts";
import { flags } from "../../support/frames.ts";

const ends = (from: string): Ends => ({ network: 1, from, to: "b" });
const udp = (sourcePort: number): Carried => ({
  flow: {
    ...{ version: 4, protocol: 17, source: "0a000101", destination: "0a000102" },
    ...{ sourcePort, destinationPort: 53 },
  },
  tcpFlags: 0,
  icmp: null,
});
const tcp = (tcpFlags: number): Carried => ({ ...udp(1), flow: { ...udp(1).flow, protocol: 6 }, tcpFlags });

describe("connections", () => {
  it("are found by both of their ends, in both directions, and by nobody else", () => {
    const known = new Connections();
    known.begin(ends("a"), udp(1), 0);
    const found = (one: Ends, flow = udp(1).flow) => known.find(one, flow, 0)?.back;
    expect(found(ends("a"))).to.equal(false);
    expect(found({ network: 1, from: "b", to: "a" }, reversed(udp(1).flow))).to.equal(true);
    const others: readonly Ends[] = [{ ...ends("a"), network: 2 }, ends("c"), { ...ends("a"), to: "c" }];
    expect(others.map((one) => found(one))).to.deep.equal([undefined, undefined, undefined]);
    expect(known.find(ends("a"), udp(2).flow, 0)).to.equal(undefined);
  });

  it("leave when nothing was heard of them, each after the time of its stage", () => {
    const known = new Connections();
    known.begin(ends("a"), udp(1), 0);
    known.begin(ends("a"), udp(2), 0);
    const [one] = [known.find(ends("a"), udp(1).flow, 20_000)];
    if (one !== undefined) known.goOn(one.connection, "answered", 20_000);
    expect(known.find(ends("a"), udp(2).flow, 40_000)).to.equal(undefined);
    expect(known.find(ends("a"), udp(1).flow, 40_000)?.connection.stage).to.equal("answered");
    known.sweep(40_000);
    expect(known.count).to.equal(1);
    known.sweep(200_000);
    expect(known.count).to.equal(0);
  });

  it("of one port are bounded: its longest silent one leaves, and no other port's", () => {
    const known = new Connections({ connectionsPerPortMax: 3, connectionsMax: 100 });
    known.begin(ends("z"), udp(99), 0);
    for (const port of [1, 2, 3]) known.begin(ends("a"), udp(port), port);
    const first = known.find(ends("a"), udp(1).flow, 10_000);
    if (first !== undefined) known.goOn(first.connection, "opening", 10_000);
    known.begin(ends("a"), udp(4), 10_001);
    const left = [1, 2, 3, 4].filter((port) => known.find(ends("a"), udp(port).flow, 10_001) !== undefined);
    expect(left).to.deep.equal([1, 3, 4]);
    expect(known.find(ends("z"), udp(99).flow, 10_001)).to.not.equal(undefined);
  });

  it("of all ports are bounded: who has most loses its longest silent one", () => {
    const known = new Connections({ connectionsPerPortMax: 100, connectionsMax: 10 });
    for (let port = 0; port < 9; port += 1) known.begin(ends("a"), udp(port), port);
    for (let port = 20; port < 24; port += 1) known.begin(ends("z"), udp(port), port);
    expect(known.count).to.equal(10);
    const of = (port: string, numbers: readonly number[]) =>
      numbers.filter((number) => known.find(ends(port), udp(number).flow, 100) !== undefined);
    expect(of("a", [0, 1, 2, 3, 8])).to.deep.equal([3, 8]);
    expect(of("z", [20, 21, 22, 23])).to.have.length(4);
  });

  it("can be ended at once, some of them", () => {
    const known = new Connections();
    for (const port of [1, 2]) known.begin(ends("a"), udp(port), 0);
    known.keepOnly(({ carried }) => carried.flow.sourcePort === 2);
    expect([known.find(ends("a"), udp(1).flow, 0), known.count]).to.deep.equal([undefined, 1]);
  });

  it("that begin again take the place of the one before, in either direction", () => {
    const known = new Connections();
    known.begin(ends("a"), udp(1), 0);
    known.begin(ends("a"), udp(1), 1);
    known.begin({ network: 1, from: "b", to: "a" }, { ...udp(1), flow: reversed(udp(1).flow) }, 2);
    expect(known.count).to.equal(1);
    expect(known.find(ends("a"), udp(1).flow, 2)?.back).to.equal(true);
  });
});

describe("the stage of a connection", () => {
  const { syn, acknowledge, fin, reset } = flags;
  const cases = [
    ["opening", syn, false, "opening"],
    ["opening", syn | acknowledge, true, "answered"],
    ["opening", acknowledge, false, "opening"],
    ["opening", reset, true, "closed"],
    ["answered", syn, false, "answered"],
    ["answered", syn, true, "new"],
    ["answered", acknowledge, true, "answered"],
    ["answered", fin | acknowledge, true, "closing"],
    ["closing", acknowledge, false, "closing"],
    ["closing", syn, false, "new"],
    ["closed", syn, false, "new"],
    ["closed", syn, true, "new"],
    ["closed", fin | acknowledge, false, "closed"],
  ] as const;
  for (const [stage, bits, back, next] of cases)
    it(`of TCP is ${next} after ${stage} and flags ${bits} ${back ? "back" : "onward"}`, () => {
      expect(stageAfter(stage, tcp(bits), back)).to.equal(next);
    });

  it("of what has no end is only whether somebody has answered", () => {
    expect([stageAfter("opening", udp(1), false), stageAfter("opening", udp(1), true)]).to.deep.equal([
      ...["opening", "answered"],
    ]);
    expect(["opening", "answered"].map((stage) => idleMsOf(17, stage as "opening"))).to.deep.equal([
      ...[30_000, 120_000],
    ]);
  });

  it("of none may begin in the middle, but not with the end, or with an answer", () => {
    const may = [syn, acknowledge, syn | acknowledge, fin | acknowledge, reset, reset | acknowledge, 0, fin];
    expect(may.map((bits) => mayBegin(tcp(bits)))).to.deep.equal([
      ...[true, true, false, false, false, false, false, false],
    ]);
    expect(mayBegin(udp(1))).to.equal(true);
  });
});

describe("fragments", () => {
  const packet = (id: string): IpPacket => ({
    ...{ version: 4, source: "0a000101", destination: "0a000102", protocol: 17, at: 34, end: 100 },
    fragment: { id, offsetBytes: 64, more: true },
  });

  it("follow their first for a while, and only between the same ports", () => {
    const known = new Fragments();
    expect(known.follows(ends("a"), packet("1"), 0)).to.equal(false);
    known.pass(ends("a"), packet("1"), 0);
    const asked = [ends("a"), ends("c"), { ...ends("a"), to: "c" }, { ...ends("a"), network: 2 }];
    expect(asked.map((one) => known.follows(one, packet("1"), 10))).to.deep.equal([
      true,
      false,
      false,
      false,
    ]);
    expect(known.follows(ends("a"), packet("2"), 10)).to.equal(false);
    expect(known.follows(ends("a"), packet("1"), switchLimits.fragmentIdleMs)).to.equal(false);
    known.pass(ends("c"), packet("1"), 0);
    known.forget(({ from }) => from === "a");
    expect([ends("a"), ends("c")].map((one) => known.follows(one, packet("1"), 10))).to.deep.equal([
      ...[false, true],
    ]);
  });

  it("of one port are bounded: its oldest packet is forgotten, and no other port's", () => {
    const known = new Fragments();
    known.pass(ends("z"), packet("0"), 0);
    for (let id = 0; id <= switchLimits.fragmentsPerPortMax; id += 1)
      known.pass(ends("a"), packet(String(id)), id);
    const left = ["0", "1", String(switchLimits.fragmentsPerPortMax)];
    expect(left.map((id) => known.follows(ends("a"), packet(id), 300))).to.deep.equal([false, true, true]);
    expect(known.follows(ends("z"), packet("0"), 300)).to.equal(true);
  });
});
