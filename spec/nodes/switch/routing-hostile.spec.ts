/** Routers and whatever guests, other hosts and the process outside send: properties, over many frames. */
import { expect } from "chai";
import fc from "fast-check";
import { checksum } from "../../../nodes/switch/frames/checksum.ts";
import { switchLimits } from "../../../nodes/switch/limits.ts";
import type { Outcome } from "../../../nodes/switch/outcome.ts";
import { sealed } from "../../support/forged-frames.ts";
import { arpFrame, flags, icmp, icmpError, tcp, udp } from "../../support/frames.ts";
import {
  exitOf,
  fromOutside,
  gateMac,
  headerOf,
  icmpSum,
  interfaceOf,
  outsideOf,
  routed,
  routedState,
  routerOf,
  toRouter,
  withTimeToLive,
} from "../../support/routed-world.ts";
import { SwitchJudge } from "../../support/switch-judge.ts";
import { farOf, type Guest, ip4Of, macOf, portIdOf, rule, sendAll } from "../../support/switch-world.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const other = "192.0.2.2";
/** The first project has the networks 1 and 2, the second 3 and 4; the first one's router leads outside. */
const one: Guest = { network: 1, number: 11 };
const two: Guest = { network: 2, number: 12 };
const far: Guest = { network: 2, number: 13 };
const foreign: Guest = { network: 3, number: 14 };
const alien: Guest = { network: 4, number: 15 };
const projects: readonly (readonly string[])[] = [
  [...[one, two, far].map(portIdOf), "exit-1"],
  [foreign, alien].map(portIdOf),
];
const projectOf = (portId: string) => projects.findIndex((ports) => ports.includes(portId));

const state = routedState(
  [one, two, foreign, alien],
  [
    routerOf([1, 2], { outside: outsideOf(), routes: [{ destination: "10.0.3.0/24", nextHop: ip4Of(two) }] }),
    { ...routerOf([], { id: "router-2" }), interfaces: [interfaceOf(3, 2), interfaceOf(4, 2)] },
  ],
  {
    exits: [exitOf()],
    networking: {
      groups: [{ id: "default", rules: [...sendAll, rule({})], members: [] }],
      far: [farOf(other, [far])],
    },
  },
);

const samples = [
  routed(toRouter(one, ip4Of(two)), 6, tcp(1, 2, flags.syn)),
  routed(toRouter(one, ip4Of(far)), 17, udp(1, 2)),
  routed(toRouter(one, ip4Of(foreign)), 17, udp(1, 2)),
  routed(toRouter(one, "198.51.100.7"), 17, udp(1, 2)),
  routed(toRouter(one, "10.0.2.1"), 1, icmp(8, 0)),
  routed(toRouter(foreign, ip4Of(alien), 2), 17, udp(1, 2)),
  routed(
    toRouter(foreign, ip4Of(one), 2),
    1,
    icmpError(3, 4, routed(toRouter(one, ip4Of(two)), 17, udp(1, 2))),
  ),
  routed({ ...toRouter(far, ip4Of(one)), sourceMac: gateMac(1), destinationMac: macOf(one) }, 17, udp(1, 2)),
  routed(fromOutside("198.51.100.7", ip4Of(one)), 17, udp(2, 1)),
  arpFrame({ operation: 1, senderMac: macOf(one), sender: ip4Of(one), target: "10.0.1.1" }),
];
const changes = fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 4 });
/** Every other one has a right header again, so that routers do not drop it at once. */
const frames = fc
  .tuple(fc.constantFrom(...samples), changes, fc.nat(200), fc.boolean())
  .map(([sample, some, length, isSealed]) => {
    const copy = Buffer.from(sample.subarray(0, Math.max(length, 34)));
    for (const [at, value] of some) if (at < copy.length) copy[at] = value;
    if (isSealed) copy.writeUInt16BE(copy.length - 14, 16);
    const headerEnd = 14 + ((copy[14] ?? 0) & 15) * 4;
    return isSealed && headerEnd <= copy.length ? sealed(copy) : copy;
  });

/** What is true of every frame that leaves a router. */
function expectSound(outcome: Outcome, sent: Buffer): void {
  if (outcome.kind === "answer" && outcome.frame.readUInt16BE(12) === 0x800)
    expect([headerOf(outcome.frame).isRight, outcome.frame[23]]).to.deep.equal([true, 1]);
  if (outcome.kind === "answer" && outcome.reason !== undefined) expect(icmpSum(outcome.frame)).to.equal(0);
  if (outcome.kind !== "deliver") return;
  for (const frame of outcome.frames ?? []) {
    expect(headerOf(frame).isRight).to.equal(true);
    expect(frame[22])
      .to.be.below(sent[22] ?? 0)
      .and.above(0);
    expect(frame.length).to.be.at.most(1_414);
  }
}

describe(`routers and hostile frames (SEED=${seed})`, () => {
  it("never lead from one project to the other, nor fail over a frame of a guest", () => {
    const judge = new SwitchJudge(state);
    const delivered = { near: 0, far: 0, out: 0 };
    const senders = fc.constantFrom(one, two, foreign, alien);
    const property = fc.property(frames, senders, ([...frame], from) => {
      const bytes = Buffer.from(frame);
      bytes.write(macOf(from).replaceAll(":", ""), 6, 6, "hex");
      const outcome = judge.outcome(from, bytes);
      judge.nowMs += 1;
      expectSound(outcome, bytes);
      if (outcome.kind !== "deliver") return;
      expect(projectOf(outcome.to)).to.equal(projectOf(portIdOf(from)));
      delivered[outcome.to === "exit-1" ? "out" : outcome.to === portIdOf(far) ? "far" : "near"] += 1;
    });
    fc.assert(property, { seed, numRuns: 20_000 });
    for (const count of Object.values(delivered)) expect(count).to.be.above(100);
  });

  it("take nothing but their own ports' packets from another host, and from the process outside", () => {
    const judge = new SwitchJudge(state);
    let delivered = 0;
    const property = fc.property(frames, fc.constantFrom(1, 2, 3, 4), (bytes, number) => {
      const [fromFar, fromExit] = [
        judge.farOutcome({ number, host: other }, bytes),
        judge.outcomeOf("exit-1", bytes),
      ];
      judge.nowMs += 1;
      for (const outcome of [fromFar, fromExit]) {
        if (outcome.kind !== "deliver") continue;
        delivered += 1;
        expect(
          projects[0]?.includes(outcome.to) && outcome.to !== "exit-1" && outcome.to !== portIdOf(far),
        ).to.equal(true);
      }
      expectSound(fromExit, bytes);
    });
    fc.assert(property, { seed, numRuns: 20_000 });
    expect(delivered).to.be.above(100);
  });

  it("use bounded memory, whatever they are sent", () => {
    const judge = new SwitchJudge(state);
    const frame = routed(toRouter(one, "198.51.100.7"), 17, udp(1, 2));
    for (let round = 0; round < 20_000; round += 1) {
      frame.writeUInt16BE(round & 0xffff, 34);
      judge.outcome(one, frame);
      judge.outcome(two, routed(toRouter(two, `10.0.1.${20 + (round % 200)}`), 17, udp(1, 2)));
    }
    expect(judge.memory.connections.count).to.equal(switchLimits.connectionsPerPortMax);
    expect(judge.memory.errors.count).to.equal(1);
  });

  it("change a header's sum as if it were made anew", () => {
    const property = fc.property(fc.integer({ min: 2, max: 255 }), fc.nat(0xffff), (timeToLive, id) => {
      const judge = new SwitchJudge(state);
      const sent = withTimeToLive(routed(toRouter(one, ip4Of(two)), 17, udp(1, 2), { id }), timeToLive);
      const outcome = judge.outcome(one, sent);
      const [frame = Buffer.alloc(34)] = outcome.kind === "deliver" ? (outcome.frames ?? []) : [];
      expect([frame[22], checksum(frame.subarray(14, 34))]).to.deep.equal([timeToLive - 1, 0]);
    });
    fc.assert(property, { seed, numRuns: 500 });
  });
});
