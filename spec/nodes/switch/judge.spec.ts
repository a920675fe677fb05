/** Security groups with their memory, by value: what begins, what belongs to it, and when it ends. */
import { expect } from "chai";
import type { GroupPicture } from "../../../protocol/networking.ts";
import { flags, icmp, icmpError, ip4Frame, ip6Frame, tcp, udp } from "../../support/frames.ts";
import { SwitchJudge } from "../../support/switch-judge.ts";
import {
  ends4,
  ends6,
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

const client: Guest = { network: 1, number: 1 };
const server: Guest = { network: 1, number: 2 };
const stranger: Guest = { network: 1, number: 3 };
const all = [client, server, stranger];
const [toServer, toClient] = [portIdOf(server), portIdOf(client)];
const { syn, acknowledge, fin, reset } = flags;

/** The server's group has these rules; the client may send, and nothing may come to it unasked. */
function networking(rules: readonly RulePicture[], version = 1) {
  const groups: readonly GroupPicture[] = [
    { id: "server", rules: [...sendAll, ...rules], members: [] },
    { id: "client", rules: [...sendAll], members: ["10.0.1.1/32"] },
    { id: "stranger", rules: [...sendAll], members: ["10.0.1.3/32"] },
  ];
  const ids = ["client", "server", "stranger"];
  const ports = all.map((guest, at) => portOf(guest, { groupIds: [ids[at] ?? ""] }));
  return { ...pictureOf(all, { groups }), version, networks: [networkOf(1, ports)] };
}

const ssh = rule({ protocol: 6, portMin: 22, portMax: 22, remoteGroupId: "client" });
const judgeOf = (...rules: readonly RulePicture[]) => SwitchJudge.of(all, networking(rules));
const there = (bits: number) => ip4Frame(ends4(client, server), 6, tcp(40_000, 22, bits));
const back = (bits: number) => ip4Frame(ends4(server, client), 6, tcp(22, 40_000, bits));

describe("the switch's security groups", () => {
  it("let in what a rule allows, from whom it allows it", () => {
    const judge = judgeOf(ssh);
    expect(judge.send(client, there(syn))).to.equal(toServer);
    const others = ip4Frame(ends4(stranger, server), 6, tcp(40_000, 22, syn));
    expect(judge.send(stranger, others)).to.equal("ingressRule");
    expect(judge.send(client, ip4Frame(ends4(client, server), 6, tcp(40_000, 23, syn)))).to.equal(
      "ingressRule",
    );
    const outcome = judge.outcome(stranger, others);
    expect(outcome, "is counted where it was denied").to.deep.include({ to: toServer });
  });

  it("let answers pass, and nothing that only looks like one", () => {
    const judge = judgeOf(ssh);
    expect(judge.send(server, back(syn | acknowledge))).to.equal("noConnection");
    expect(judge.send(server, back(acknowledge))).to.equal("ingressRule");
    judge.send(client, there(syn));
    expect(judge.send(server, back(syn | acknowledge))).to.equal(toClient);
    expect(judge.send(client, there(acknowledge))).to.equal(toServer);
    expect(judge.send(server, back(acknowledge))).to.equal(toClient);
    expect(judge.send(server, back(syn)), "calls back").to.equal("ingressRule");
    expect(judge.send(server, ip4Frame(ends4(server, client), 6, tcp(22, 40_001, acknowledge)))).to.equal(
      "ingressRule",
    );
    expect(judge.send(server, back(acknowledge)), "goes on all the same").to.equal(toClient);
  });

  it("let nothing out that no rule allows", () => {
    const groups = [{ id: "default", rules: [rule({})], members: [] }];
    const judge = SwitchJudge.of(all, pictureOf(all, { groups }));
    expect(judge.send(client, there(syn))).to.equal("egressRule");
    const none = SwitchJudge.of(all, pictureOf(all, { port: { groupIds: [] } }));
    expect(none.send(client, there(syn))).to.equal("egressRule");
  });

  it("end a connection as soon as its rule is gone, for both directions, and only that one", () => {
    const dns = rule({ protocol: 17, portMin: 53, portMax: 53 });
    const judge = judgeOf(ssh, dns);
    judge.send(client, there(syn));
    judge.send(server, back(syn | acknowledge));
    judge.send(client, ip4Frame(ends4(client, server), 17, udp(5_000, 53)));
    judge.apply(stateOfGuests(all, networking([dns], 2)));
    expect(judge.send(client, there(acknowledge))).to.equal("ingressRule");
    expect(judge.send(server, back(acknowledge))).to.equal("ingressRule");
    expect(judge.send(server, ip4Frame(ends4(server, client), 17, udp(53, 5_000)))).to.equal(toClient);
  });

  it("end the connections of a member that has left its group, and of a port that is unplugged", () => {
    const judge = judgeOf(ssh);
    judge.send(client, there(syn));
    const { groups, ...rest } = networking([ssh], 2);
    judge.apply(stateOfGuests(all, { ...rest, groups: groups.map((group) => ({ ...group, members: [] })) }));
    expect(judge.send(server, back(acknowledge))).to.equal("ingressRule");
    const again = judgeOf(ssh);
    again.send(client, there(syn));
    again.apply(stateOfGuests([client, stranger], networking([ssh])));
    again.apply(stateOfGuests(all, networking([ssh])));
    expect(again.send(server, back(acknowledge))).to.equal("ingressRule");
  });

  it("keep a connection as long as any rule allows it", () => {
    const judge = judgeOf(ssh);
    judge.send(client, there(syn));
    judge.apply(stateOfGuests(all, networking([rule({ protocol: 6 })], 2)));
    expect(judge.send(server, back(syn | acknowledge))).to.equal(toClient);
  });

  it("forget connections after their time, and begin them again by the rules", () => {
    const judge = judgeOf(ssh);
    judge.send(client, there(syn));
    judge.send(server, back(syn | acknowledge));
    judge.nowMs = 24 * 3_600_000;
    expect(judge.send(server, back(acknowledge)), "a day of silence").to.equal(toClient);
    judge.send(server, back(fin | acknowledge));
    judge.nowMs += 200_000;
    expect(judge.send(server, back(acknowledge)), "after its end").to.equal("ingressRule");
    expect(judge.send(client, there(acknowledge)), "as after a restart of the switch").to.equal(toServer);
    judge.send(client, there(reset));
    judge.nowMs += 60_000;
    expect(judge.send(client, there(reset | acknowledge))).to.equal("noConnection");
  });

  it("let ICMP's answers and errors pass to whom they are about, and no others", () => {
    const judge = judgeOf(rule({ protocol: 1, portMin: 8 }), rule({ protocol: 17, portMin: 53 }));
    const echo = (type: number, from: Guest, to: Guest) => ip4Frame(ends4(from, to), 1, icmp(type, 0));
    expect(judge.send(server, echo(0, server, client))).to.equal("noConnection");
    expect(judge.send(client, echo(8, client, server))).to.equal(toServer);
    expect(judge.send(server, echo(0, server, client))).to.equal(toClient);
    expect(judge.send(server, echo(8, server, client))).to.equal("ingressRule");
    const question = ip4Frame(ends4(client, server), 17, udp(5_000, 53));
    const error = (from: Guest, about = question) => ip4Frame(ends4(from, client), 1, icmpError(3, 3, about));
    expect(judge.send(server, error(server)), "about nothing yet").to.equal("ingressRule");
    judge.send(client, question);
    expect(judge.send(server, error(server))).to.equal(toClient);
    expect(judge.send(stranger, error(stranger)), "of another connection").to.equal("ingressRule");
    const answer = ip4Frame(ends4(server, client), 17, udp(53, 5_000));
    expect(judge.send(server, error(server, answer)), "about its own packet").to.equal("ingressRule");
  });

  it("take no notice of ICMP for the answer to a question, whatever identifier that has", () => {
    const judge = judgeOf(rule({ protocol: 1 }));
    const ask = (identifier: number) => {
      const rest = Buffer.from([identifier >> 8, identifier & 255, 0, 1]);
      return ip4Frame(ends4(client, server), 1, icmp(8, 0, rest));
    };
    for (const identifier of [0, 7, 65_535]) {
      expect(judge.send(client, ask(identifier))).to.equal(toServer);
      for (const type of [3, 4, 10, 11, 12, 30, 40]) {
        const notice = ip4Frame(ends4(server, client), 1, icmp(type, 0, Buffer.alloc(4)));
        expect(judge.send(server, notice), `type ${type} after ${identifier}`).to.equal("ingressRule");
      }
    }
    const answer = ip4Frame(ends4(server, client), 1, icmp(0, 0, Buffer.from([0, 0, 0, 1])));
    expect(judge.send(server, answer)).to.equal(toClient);
  });

  it("let no later fragment of IPv6 replace what was judged behind options", () => {
    const judge = judgeOf(rule({ ipVersion: 6, protocol: 17, portMin: 53, portMax: 53 }));
    const part = (next: number, offset: number, more: number, payload: Buffer) => {
      const header = Buffer.from([next, 0, offset >> 8, offset | more, 0, 0, 0, 5]);
      return ip6Frame(ends6(client, server), 44, Buffer.concat([header, payload]));
    };
    const [named, other] = [udp(9, 53, Buffer.alloc(8)), udp(9, 22, Buffer.alloc(8))];
    const options = Buffer.from([17, 0, 1, 4, 0, 0, 0, 0]);
    expect(judge.send(client, part(60, 0, 1, Buffer.concat([options, named])))).to.equal("malformed");
    expect(judge.send(client, part(17, 8, 0, other))).to.equal("fragment");
    expect(judge.send(client, part(60, 0, 0, Buffer.concat([options, named]))), "whole").to.equal(toServer);
    expect(judge.send(client, part(17, 0, 1, named))).to.equal(toServer);
    expect(judge.send(client, part(17, 16, 0, other))).to.equal(toServer);
  });

  it("hold for IPv6 by its own rules", () => {
    const judge = judgeOf(rule({ ipVersion: 6, protocol: 58, portMin: 128 }), rule({ protocol: 1 }));
    const echo = (type: number, from: Guest, to: Guest) => ip6Frame(ends6(from, to), 58, icmp(type, 0));
    expect(judge.send(server, echo(129, server, client))).to.equal("noConnection");
    expect(judge.send(client, echo(128, client, server))).to.equal(toServer);
    expect(judge.send(server, echo(129, server, client))).to.equal(toClient);
    expect(judge.send(client, ip6Frame(ends6(client, server), 17, udp(1, 2)))).to.equal("ingressRule");
  });

  it("judge fragments by their first, and none before it", () => {
    const judge = judgeOf(rule({ protocol: 17, portMin: 53, portMax: 53 }), ssh);
    const part = (id: number, offset: number, payload: Buffer) =>
      ip4Frame(ends4(client, server), 17, payload, { id, offset, more: true });
    const later = (id: number) => part(id, 64, Buffer.alloc(64));
    expect(judge.send(client, later(7))).to.equal("fragment");
    expect(judge.send(client, part(7, 0, udp(5_000, 53, Buffer.alloc(56))))).to.equal(toServer);
    expect(judge.send(client, later(7))).to.equal(toServer);
    expect(judge.send(client, later(8))).to.equal("fragment");
    expect(judge.send(client, part(9, 0, udp(5_000, 54, Buffer.alloc(56))))).to.equal("ingressRule");
    expect(judge.send(client, later(9))).to.equal("fragment");
    const tiny = ip4Frame(ends4(client, server), 6, tcp(40_000, 22, syn).subarray(0, 16), { more: true });
    expect(judge.send(client, tiny), "without TCP's flags").to.equal("malformed");
    const of = (offset: number, payload: Buffer) =>
      ip4Frame(ends4(client, server), 6, payload, { id: 10, offset, more: true });
    const first = of(0, tcp(40_000, 22, syn, Buffer.alloc(12)));
    expect([judge.send(client, first), judge.send(client, of(32, Buffer.alloc(8)))]).to.deep.equal([
      ...[toServer, toServer],
    ]);
    expect(judge.send(client, of(8, Buffer.alloc(8))), "over TCP's flags").to.equal("fragment");
    const [dns, others] = [rule({ protocol: 17, portMin: 53, portMax: 53 }), rule({ protocol: 47 })];
    judge.apply(stateOfGuests(all, networking([dns, ssh], 2)));
    expect(judge.send(client, later(7)), "as before").to.equal(toServer);
    judge.apply(stateOfGuests(all, networking([others], 3)));
    expect([judge.send(client, later(7)), judge.send(client, of(32, Buffer.alloc(8)))]).to.deep.equal([
      ...["fragment", "fragment"],
    ]);
  });

  it("ask nothing of a port without security, and all of the other end", () => {
    const open = portOf(client, { portSecurity: false, groupIds: [] });
    const closed = networking([ssh]);
    const ports = [open, ...(closed.networks[0]?.ports.slice(1) ?? [])];
    const judge = SwitchJudge.of(all, { ...closed, networks: [networkOf(1, ports)] });
    expect(judge.send(client, there(syn))).to.equal(toServer);
    expect(judge.send(server, back(syn | acknowledge))).to.equal(toClient);
    expect(judge.send(client, ip4Frame(ends4(client, server), 6, tcp(1, 23, syn)))).to.equal("ingressRule");
    expect(judge.send(server, ip4Frame(ends4(server, client), 17, udp(1, 2)))).to.equal(toClient);
  });
});
