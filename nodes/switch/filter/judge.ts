/**
 * Whether a packet passes from one port to another by the rules of both: the sender's egress and the
 * receiver's ingress when it begins something, and whatever belongs to what was begun. Nothing that no rule
 * allows may pass, nor begin to pass later by having been tried.
 */
import { type Carried, isAnswer, isQuestion, protocols } from "../frames/flow.ts";
import type { IpPacket } from "../frames/ip.ts";
import { switchLimits } from "../limits.ts";
import { forwardKey, type Plan, type PlannedNetwork, type PlannedPort } from "../planned.ts";
import { Rates } from "../routing/rates.ts";
import { Connections, type Ends } from "./connections.ts";
import { Fragments } from "./fragments.ts";
import { type Begun, Revoked, turnedRound } from "./revoked.ts";
import { allows } from "./rules.ts";
import { beginsTcp, mayBegin, stageAfter } from "./stages.ts";

export type Denial = "egressRule" | "ingressRule" | "noConnection" | "fragment";

/** What is remembered of packets that have passed. */
export class FlowMemory {
  readonly connections = new Connections();
  readonly revoked = new Revoked();
  /** Connections of which a port was not there for a time: its rules may be others when it comes back. */
  readonly left = new Revoked();
  readonly fragments = new Fragments();
  /** What routers have told guests of packets that did not pass. */
  readonly errors = new Rates(switchLimits.icmpErrorsBurstMax, switchLimits.icmpErrorEveryMs);

  #plan: Plan = new Map();

  /** Of a switch before, until the first plan says what is allowed. */
  #kept: readonly Begun[] = [];

  /** Connections that were answered by a switch before; the next plan judges them. */
  takeOver(kept: readonly Begun[]): void {
    this.#kept = kept;
  }

  /** Changes whenever there is something else to keep for the next switch. */
  get changes(): number {
    return this.connections.answeredChanges + this.revoked.changes;
  }

  /** Ends at once what the plan does not allow; asks only about ports for which it says something else. */
  apply(plan: Plan, nowMs: number): void {
    const before = this.#plan;
    const same = unchangedPorts(before, plan);
    this.#plan = plan;
    const isSame = ({ from, to }: Pick<Ends, "from" | "to">) => same.has(from) && same.has(to);
    this.fragments.forget((ends) => !isSame(ends));
    const isBack = (one: Begun) => !isSame(one) && standingOf(plan, one) === "allowed";
    const back = this.revoked.take(isBack, nowMs);
    for (const one of back) this.connections.begin(one, one.carried, nowMs, "answered");
    this.connections.keepOnly((one) => isSame(one) || this.#stays(before, one, nowMs));
    for (const one of this.#kept)
      if (this.#stays(before, one, nowMs)) this.connections.begin(one, one.carried, nowMs, "answered");
    this.#kept = [];
  }

  sweep(nowMs: number): void {
    this.connections.sweep(nowMs);
    this.revoked.sweep(nowMs);
    this.left.sweep(nowMs);
    this.errors.sweep(nowMs);
  }

  #stays(before: Plan, connection: Begun, nowMs: number): boolean {
    const standing = standingOf(this.#plan, connection);
    const back = standing === "allowed" ? lostBack(before, this.#plan, connection) : undefined;
    const lost = standing === "denied" ? connection : back;
    if (standing === "gone") this.left.add(connection, nowMs);
    if (lost !== undefined) this.revoked.add(lost, nowMs);
    return standing === "allowed" && lost === undefined;
  }
}

/**
 * The other direction of a connection that was found in its middle, when it was allowed and is not any more.
 * Who has begun it is not known: a caller can make the switch forget its connection, and have it found again
 * by the server's next packet.
 */
function lostBack(before: Plan, plan: Plan, connection: Begun): Begun | undefined {
  const { carried } = connection;
  if (carried.flow.protocol !== protocols.tcp || beginsTcp(carried)) return undefined;
  const back = turnedRound(connection);
  const isLost = standingOf(before, back) === "allowed" && standingOf(plan, back) === "denied";
  return isLost ? back : undefined;
}

/** Numbers of VXLAN's networks are below. */
const numbersMax = 2 ** 24;

/**
 * One number for what passes between two networks, in either direction, which is that of no single network
 * and of no other two: guests of other networks may have the same addresses.
 */
function passageNumber({ number: one }: NumberedNetwork, { number: other }: NumberedNetwork): number {
  if (one === other) return one;
  return (Math.min(one, other) + 1) * numbersMax + Math.max(one, other);
}

type NumberedNetwork = Pick<PlannedNetwork, "number">;

export interface Passage {
  readonly from: PlannedPort;
  readonly to: PlannedPort;
  readonly packet: IpPacket;
  /** Undefined: a fragment that is not the first. */
  readonly carried: Carried | undefined;
}

/** Undefined: it passes. */
export function judge(memory: FlowMemory, passage: Passage, nowMs: number): Denial | undefined {
  const { from, to, packet, carried } = passage;
  if (!from.isFiltered && !to.isFiltered) return undefined;
  const network = passageNumber(from.network, to.network);
  const ends = { network, from: from.portId, to: to.portId };
  if (carried === undefined) return memory.fragments.follows(ends, packet, nowMs) ? undefined : "fragment";
  const denial = judgeCarried(memory, { from, to, carried }, ends, nowMs);
  if (denial === undefined && packet.fragment !== null) memory.fragments.pass(ends, packet, nowMs);
  return denial;
}

type Call = Pick<Passage, "from" | "to"> & { readonly carried: Carried };

function judgeCarried(memory: FlowMemory, call: Call, ends: Ends, nowMs: number): Denial | undefined {
  const [{ carried }, { connections: known }] = [call, memory];
  if (isAboutKnown(known, carried, ends, nowMs)) return undefined;
  const found = known.find(ends, carried.flow, nowMs);
  const stage = found === undefined ? "new" : stageAfter(found.connection.stage, carried, found.back);
  if (found !== undefined && stage !== "new") {
    known.goOn(found.connection, stage, nowMs);
    return undefined;
  }
  return mayBegin(carried) && !isLateAnswer(carried) ? begin(memory, call, ends, nowMs) : "noConnection";
}

function begin(memory: FlowMemory, call: Call, ends: Ends, nowMs: number): Denial | undefined {
  const { carried } = call;
  const denial = denialOf(call);
  if (denial !== undefined || !hasAnswers(carried)) return denial;
  // Of what was revoked only TCP says that it begins anew.
  if (!beginsTcp(carried) && isRemembered(memory, ends, carried, nowMs)) return "noConnection";
  for (const table of [memory.revoked, memory.left]) table.forget(ends.network, carried);
  memory.connections.begin(ends, carried, nowMs);
  return undefined;
}

const isRemembered = ({ revoked, left }: FlowMemory, ends: Ends, { flow }: Carried, nowMs: number): boolean =>
  revoked.refuses(ends, flow, nowMs) || left.refusesCalled(ends, flow, nowMs);

/** An error about a packet of a connection, from the one who got the packet, to the one who sent it. */
function isAboutKnown(known: Connections, { icmp }: Carried, ends: Ends, nowMs: number): boolean {
  if (icmp === null || icmp.about === null) return false;
  return known.find({ ...ends, from: ends.to, to: ends.from }, icmp.about, nowMs) !== undefined;
}

/** A question of ICMP has an answer; an error or a notice has none. */
const hasAnswers = ({ flow, icmp }: Carried): boolean => icmp === null || isQuestion(flow, icmp.type);

/** Its question is not known, or not any more. */
const isLateAnswer = ({ flow, icmp }: Carried): boolean => icmp !== null && isAnswer(flow, icmp.type);

function denialOf({ from, to, carried }: Call): Denial | undefined {
  const { source, destination } = carried.flow;
  if (from.forwards !== undefined) return isForwarded(from.forwards, to, carried) ? undefined : "egressRule";
  if (from.isFiltered && !allows(from.rules.egress, carried, destination)) return "egressRule";
  return to.isFiltered && !allows(to.rules.ingress, carried, source) ? "ingressRule" : undefined;
}

/** What is published was asked for by name: the groups of its port are not asked. */
const isForwarded = (forwards: ReadonlySet<string>, { portId }: PlannedPort, { flow }: Carried): boolean =>
  flow.version === 4 &&
  flow.protocol === protocols.tcp &&
  forwards.has(forwardKey(portId, flow.destination, flow.destinationPort));

/** Ports of which both plans say the same, as far as connections are concerned. */
function unchangedPorts(before: Plan, plan: Plan): ReadonlySet<string> {
  const same = [...plan.values()].filter(({ portId, network, isFiltered, rules, forwards }) => {
    const was = before.get(portId);
    if (was?.network.number !== network.number || textOf(was.forwards) !== textOf(forwards)) return false;
    return was.isFiltered === isFiltered && was.rules === rules;
  });
  return new Set(same.map(({ portId }) => portId));
}

/** Whether one gateway has opened the connection that a guest's packet is of. */
export function hasCalled(
  { connections }: FlowMemory,
  { port, caller, carried }: Called,
  nowMs: number,
): boolean {
  const ends = { network: port.network.number, from: port.portId, to: caller.portId };
  return connections.find(ends, carried.flow, nowMs)?.back === true;
}

interface Called {
  readonly port: PlannedPort;
  readonly caller: PlannedPort;
  readonly carried: Carried;
}

/** Whether the sender may send it at all, whoever gets it. */
export const mayLeave = ({ isFiltered, rules }: PlannedPort, carried: Carried): boolean =>
  !isFiltered || allows(rules.egress, carried, carried.flow.destination);

const textOf = (forwards: ReadonlySet<string> | undefined): string => [...(forwards ?? [])].sort().join();

/** `gone`: a port of it is not there any more, or is on another network. */
function standingOf(plan: Plan, connection: Begun): "allowed" | "denied" | "gone" {
  const [from, to, { carried }] = [plan.get(connection.from), plan.get(connection.to), connection];
  if (from === undefined || to === undefined) return "gone";
  if (passageNumber(from.network, to.network) !== connection.network) return "gone";
  return denialOf({ from, to, carried }) === undefined ? "allowed" : "denied";
}
