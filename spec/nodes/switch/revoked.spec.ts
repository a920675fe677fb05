/** What becomes of a connection when its rule is gone: who was called cannot begin it again. By value. */
import { expect } from "chai";
import { FlowMemory } from "../../../nodes/switch/filter/judge.ts";
import { Revoked } from "../../../nodes/switch/filter/revoked.ts";
import type { Carried } from "../../../nodes/switch/frames/flow.ts";
import { switchLimits } from "../../../nodes/switch/limits.ts";
import { planOf } from "../../../nodes/switch/plan.ts";
import { flags, icmpError, ip4Frame, tcp, udp } from "../../support/frames.ts";
import { SwitchJudge } from "../../support/switch-judge.ts";
import {
  ends4,
  type Guest,
  networkOf,
  pictureOf,
  portIdOf,
  portOf,
  type RulePicture,
  rule,
  sendAll,
  stateOfGuests,
} from "../../support/switch-world.ts";

/** Takes whatever comes: it is the one whom the server wants to be rid of. */
const caller: Guest = { network: 1, number: 7 };
const server: Guest = { network: 1, number: 8 };
const all = [caller, server];
const [toServer, toCaller] = [portIdOf(server), portIdOf(caller)];
const { syn, acknowledge, fin } = flags;

function stateOf(rules: readonly RulePicture[], guests: readonly Guest[] = all) {
  const groups = [
    { id: "open", rules: [...sendAll, rule({})], members: [] },
    { id: "server", rules: [...sendAll, ...rules], members: [] },
  ];
  const ports = [portOf(caller, { groupIds: ["open"] }), portOf(server, { groupIds: ["server"] })];
  return stateOfGuests(guests, { ...pictureOf(all, { groups }), networks: [networkOf(1, ports)] });
}

const ssh = rule({ protocol: 6, portMin: 22, portMax: 22 });
const dns = rule({ protocol: 17, portMin: 53, portMax: 53 });
const there = (bits: number) => ip4Frame(ends4(caller, server), 6, tcp(5_000, 22, bits));
const back = (bits: number) => ip4Frame(ends4(server, caller), 6, tcp(22, 5_000, bits));
const question = ip4Frame(ends4(caller, server), 17, udp(5_000, 53));
const answer = ip4Frame(ends4(server, caller), 17, udp(53, 5_000));

/** A connection of TCP and one of UDP were open, and their rules are gone. */
function revoked(): SwitchJudge {
  const judge = new SwitchJudge(stateOf([ssh, dns]));
  judge.send(caller, there(syn));
  judge.send(server, back(syn | acknowledge));
  expect([judge.send(caller, question), judge.send(server, answer)]).to.deep.equal([toServer, toCaller]);
  judge.apply(stateOf([]));
  return judge;
}

describe("a connection whose rule is gone", () => {
  it("of TCP is not begun again by what the server still has to say", () => {
    const judge = revoked();
    expect(judge.send(caller, there(acknowledge))).to.equal("ingressRule");
    for (const bits of [acknowledge, acknowledge | fin, syn | acknowledge])
      expect(judge.send(server, back(bits)), `flags ${bits}`).to.equal("noConnection");
    for (let hour = 0; hour < 100; hour += 1) {
      judge.nowMs += 3_600_000;
      if (hour === 50) judge.apply(stateOf([]));
      expect(judge.send(server, back(acknowledge)), `hour ${hour}`).to.equal("noConnection");
      expect(judge.send(caller, there(acknowledge)), `hour ${hour}`).to.equal("ingressRule");
    }
  });

  it("of TCP gives its place to one that begins, if the rules allow that one", () => {
    const judge = revoked();
    expect(judge.send(caller, there(syn))).to.equal("ingressRule");
    expect(judge.send(server, back(acknowledge)), "after a call in vain").to.equal("noConnection");
    expect(judge.send(server, back(syn)), "the server calls").to.equal(toCaller);
    expect(judge.send(caller, there(syn | acknowledge))).to.equal(toServer);
    expect(judge.send(server, back(acknowledge))).to.equal(toCaller);
  });

  it("of UDP is not begun again before it was silent for its time, however long the server goes on", () => {
    const judge = revoked();
    for (let second = 0; second < 1_000; second += 100) {
      judge.nowMs = second * 1_000;
      expect([judge.send(server, answer), judge.send(caller, question)], `${second} s`).to.deep.equal([
        ...["noConnection", "ingressRule"],
      ]);
    }
    judge.nowMs = 900_000 + 119_000;
    expect(judge.send(server, answer), "nearly silent enough").to.equal("noConnection");
    judge.nowMs += 125_000;
    expect(judge.send(server, answer), "the server begins").to.equal(toCaller);
    expect(judge.send(caller, question), "and is answered").to.equal(toServer);
  });

  it("goes on when it is allowed again, as the caller's", () => {
    const judge = revoked();
    judge.apply(stateOf([ssh]));
    expect(judge.send(server, back(acknowledge))).to.equal(toCaller);
    expect(judge.send(server, answer), "of another rule").to.equal("noConnection");
    judge.apply(stateOf([]));
    expect(judge.send(caller, there(acknowledge)), "is the caller's still").to.equal("ingressRule");
  });

  it("is not the server's own because the caller has made the switch forget it before", () => {
    const judge = new SwitchJudge(stateOf([ssh]));
    judge.send(caller, there(syn));
    judge.send(server, back(syn | acknowledge));
    judge.send(caller, there(flags.reset));
    judge.nowMs = 60_000;
    expect(judge.send(server, back(acknowledge)), "the server took no notice").to.equal(toCaller);
    expect(judge.send(caller, there(acknowledge))).to.equal(toServer);
    judge.apply(stateOf([]));
    expect(judge.send(server, back(acknowledge))).to.equal("noConnection");
    expect(judge.send(caller, there(acknowledge))).to.equal("ingressRule");
    judge.apply(stateOf([dns]));
    expect(judge.send(server, back(acknowledge)), "after another picture").to.equal("noConnection");
  });

  it("does not go on as before when it is allowed again after its time", () => {
    const judge = revoked();
    judge.nowMs = 125_000;
    judge.apply(stateOf([dns]));
    expect(judge.memory.connections.count).to.equal(0);
  });

  it("is none for the server when a port was unplugged before its rule went", () => {
    const judge = new SwitchJudge(stateOf([ssh]));
    judge.send(caller, there(syn));
    judge.send(server, back(syn | acknowledge));
    judge.apply(stateOf([ssh], [server]));
    judge.apply(stateOf([]));
    expect(judge.send(server, back(acknowledge))).to.equal("noConnection");
    expect(judge.send(caller, there(acknowledge))).to.equal("ingressRule");
    judge.apply(stateOf([ssh]));
    expect(judge.send(server, back(acknowledge)), "the rule is back").to.equal("noConnection");
    expect(judge.send(caller, there(acknowledge)), "and the caller goes on").to.equal(toServer);
    expect(judge.send(server, back(acknowledge)), "then also the server").to.equal(toCaller);
  });

  it("ends no connection that the server itself has begun", () => {
    const judge = new SwitchJudge(stateOf([rule({})]));
    judge.send(server, back(syn));
    judge.send(caller, there(syn | acknowledge));
    judge.apply(stateOf([]));
    expect(judge.send(caller, there(acknowledge))).to.equal(toServer);
  });

  it("stays revoked when a port is unplugged meanwhile", () => {
    const judge = revoked();
    judge.apply(stateOf([], [server]));
    judge.apply(stateOf([]));
    expect(judge.send(server, back(acknowledge))).to.equal("noConnection");
  });

  it("lets no error about it pass", () => {
    const judge = revoked();
    const error = ip4Frame(ends4(caller, server), 1, icmpError(3, 3, answer));
    expect(judge.send(caller, error)).to.equal("ingressRule");
  });

  it("is revoked also when a switch before had it", () => {
    const [before, memory] = [new FlowMemory(), new FlowMemory()];
    const carried: Carried = {
      flow: {
        ...{ version: 4, protocol: 6, source: "0a000107", destination: "0a000108" },
        ...{ sourcePort: 5_000, destinationPort: 22 },
      },
      ...{ tcpFlags: 2, icmp: null },
    };
    const one = { network: 1, from: toCaller, to: toServer, carried };
    before.revoked.add(one, 0);
    memory.takeOver(before.revoked.all());
    memory.apply(planOf(stateOf([])), 0);
    expect([memory.connections.count, memory.revoked.all()]).to.deep.equal([0, [one]]);
  });

  it("is remembered for each server apart: who is called by most loses its oldest", () => {
    const table = new Revoked();
    const one = (to: string, network: number, port: number) => ({
      ...{ network, from: "a", to },
      carried: {
        flow: {
          ...{ version: 4 as const, protocol: 6, source: "0a000107", destination: "0a000108" },
          ...{ sourcePort: port, destinationPort: 22 },
        },
        ...{ tcpFlags: 2, icmp: null },
      },
    });
    table.add(one("victim", 1, 1), 0);
    for (let port = 0; port < switchLimits.revokedMax + 10; port += 1) table.add(one("own", 2, port), 1);
    expect(table.count).to.equal(switchLimits.revokedMax);
    const has = (to: string, network: number, port: number) =>
      table.refuses({ network, from: "a", to }, one(to, network, port).carried.flow, 2);
    expect([has("victim", 1, 1), has("own", 2, 0), has("own", 2, 11)]).to.deep.equal([true, false, true]);
  });
});
