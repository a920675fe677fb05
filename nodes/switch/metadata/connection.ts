/**
 * One connection of TCP in which a guest asks once and is answered once, from the switch's side. Nothing is
 * negotiated, so that there is little to get wrong: no window scaling, no timestamps, what comes out of order
 * is dropped and comes again. What it holds is bounded by one request and one answer. A guest that breaks the
 * protocol spoils its own connection. Pure: time and numbers come in from outside.
 *
 *   greeted -> hearing -> asking -> answering -> (the guest has acknowledged all, and said its end) gone
 */
import { metadataLimits } from "../../metadata/limits.ts";
import { type Asked, readAsked } from "../../metadata/request.ts";
import { tcpFlags as flags } from "../frames/flow.ts";
import type { Segment } from "../frames/tcp.ts";
import { tcpLimits } from "./limits.ts";

export interface Connection {
  readonly phase: "greeted" | "hearing" | "asking" | "answering";
  /** Our first sequence number: that of the greeting. All that we send is counted from there. */
  readonly first: number;
  /** The guest's next sequence number. */
  readonly expected: number;
  readonly heard: Buffer;
  readonly hasEnded: boolean;
  readonly answer: Buffer;
  /** What the guest has acknowledged, what is to be sent next, and the most that was ever sent. */
  readonly acknowledged: number;
  readonly next: number;
  readonly sent: number;
  readonly window: number;
  readonly segmentBytesMax: number;
  readonly endsAtMs: number;
  readonly resendAtMs: number;
  readonly resends: number;
}

export type Question = Exclude<Asked, { kind: "unfinished" }>;

export interface Step {
  /** Undefined: it is gone. */
  readonly connection: Connection | undefined;
  readonly out: readonly Segment[];
  /** The guest's request, once in a connection. */
  readonly question?: Question;
}

const nothing: Buffer = Buffer.alloc(0);
const { requestBytesMax, connectionMsMax } = metadataLimits;
const { unacknowledgedBytesMax, segmentBytesMin, resendAfterMs, resendsMax } = tcpLimits;

/** Numbers go round at 2 ** 32. */
const plus = (number: number, more: number): number => (number + more) >>> 0;
/** How far `number` is behind `from`; negative: it is before it. */
const since = (from: number, number: number): number => (number - from) | 0;

export interface Opening {
  /** Of nobody's guessing. */
  readonly first: number;
  /** Of what the network carries. */
  readonly segmentBytesMax: number;
  readonly nowMs: number;
}

/** A guest greets: SYN, and nothing else. */
export function greeted(syn: Segment, { first, segmentBytesMax: own, nowMs }: Opening): Step {
  const segmentBytesMax = Math.min(own, Math.max(syn.segmentBytesMax ?? segmentBytesMin, segmentBytesMin));
  const connection: Connection = {
    ...{ phase: "greeted", first, expected: plus(syn.sequence, 1), heard: nothing, hasEnded: false },
    ...{ answer: nothing, acknowledged: 0, next: 1, sent: 1, window: syn.window, segmentBytesMax },
    ...{ endsAtMs: nowMs + connectionMsMax, resendAtMs: nowMs + resendAfterMs, resends: 0 },
  };
  return { connection, out: [greeting(connection)] };
}

const greeting = (connection: Connection): Segment => ({
  ...segmentAt(connection, 0, flags.syn | flags.acknowledge),
  segmentBytesMax: connection.segmentBytesMax,
});

function segmentAt(connection: Connection, offset: number, bits: number, payload = nothing): Segment {
  const { first, expected: acknowledgment, phase, heard } = connection;
  const window =
    phase === "greeted" || phase === "hearing" ? requestBytesMax - heard.length : requestBytesMax;
  return {
    ...{ sequence: plus(first, offset), acknowledgment, flags: bits, window, segmentBytesMax: undefined },
    payload,
  };
}

const acknowledging = (connection: Connection): Segment =>
  segmentAt(connection, connection.sent, flags.acknowledge);

/** The reset that answers a segment without a connection (RFC 9293, 3.10.7.1); nothing answers a reset. */
export function refusal({ sequence, acknowledgment, flags: bits, payload }: Segment): readonly Segment[] {
  if ((bits & flags.reset) !== 0) return [];
  const none = { window: 0, segmentBytesMax: undefined, payload: nothing };
  if ((bits & flags.acknowledge) !== 0)
    return [{ ...none, sequence: acknowledgment, acknowledgment: 0, flags: flags.reset }];
  const length = payload.length + Number((bits & flags.syn) !== 0) + Number((bits & flags.fin) !== 0);
  const to = plus(sequence, length);
  return [{ ...none, sequence: 0, acknowledgment: to, flags: flags.reset | flags.acknowledge }];
}

const gone: Step = { connection: undefined, out: [] };

/** A segment of the guest, other than the first. */
export function heard(connection: Connection, segment: Segment, nowMs: number): Step {
  const { flags: bits, sequence } = segment;
  const isNext = sequence === connection.expected;
  if ((bits & flags.reset) !== 0) return isNext ? gone : { connection, out: [] };
  if ((bits & flags.syn) !== 0) return greetedAgain(connection, segment);
  const acknowledged = since(connection.first, segment.acknowledgment);
  if ((bits & flags.acknowledge) === 0 || acknowledged > connection.sent) return { connection, out: [] };
  const isOld = acknowledged < connection.acknowledged;
  // An old one may still have something new to say.
  const known = isOld ? connection : acknowledge(connection, acknowledged, segment.window, nowMs);
  return goOn(taken(known, segment), nowMs);
}

/** The greeting was lost; whatever else begins anew is refused, and the guest takes another port. */
function greetedAgain(connection: Connection, { sequence }: Segment): Step {
  const isSame = connection.phase === "greeted" && plus(sequence, 1) === connection.expected;
  return { connection, out: [isSame ? greeting(connection) : acknowledging(connection)] };
}

function acknowledge(before: Connection, acknowledged: number, window: number, nowMs: number): Connection {
  const phase = before.phase === "greeted" && acknowledged > 0 ? "hearing" : before.phase;
  const isProgress = acknowledged > before.acknowledged;
  const next = Math.max(before.next, acknowledged);
  const again = isProgress ? { resends: 0, resendAtMs: nowMs + resendAfterMs } : {};
  return { ...before, phase, acknowledged, next, window, ...again };
}

/** The connection with what is new in the segment. */
function taken(connection: Connection, { sequence, payload, flags: bits }: Segment): Step {
  const isEnd = (bits & flags.fin) !== 0;
  const length = payload.length + Number(isEnd);
  if (length === 0) return { connection, out: [] };
  const known = since(sequence, connection.expected);
  // A gap, all of it known, or more than the connection takes: the guest says it again.
  if (known < 0 || known >= length || connection.phase === "greeted" || connection.hasEnded)
    return { connection, out: [acknowledging(connection)] };
  const fresh = payload.subarray(known);
  const isHearing = connection.phase === "hearing";
  const next: Connection = {
    ...connection,
    expected: plus(connection.expected, fresh.length + Number(isEnd)),
    // A copy: frames are overwritten.
    heard: isHearing
      ? Buffer.concat([connection.heard, fresh.subarray(0, requestBytesMax)])
      : connection.heard,
    hasEnded: isEnd,
  };
  return isHearing ? asked(next) : { connection: next, out: [acknowledging(next)] };
}

function asked(connection: Connection): Step {
  const found = readAsked(connection.heard);
  if (found.kind === "unfinished" && connection.hasEnded) return resetting(connection);
  if (found.kind === "unfinished") return { connection, out: [acknowledging(connection)] };
  const asking: Connection = { ...connection, phase: "asking", heard: nothing };
  return { connection: asking, out: [acknowledging(asking)], question: found };
}

/** The guest is told that it is over, and has to begin anew. */
export const resetting = (connection: Connection): Step => ({
  connection: undefined,
  out: [segmentAt(connection, connection.sent, flags.reset | flags.acknowledge)],
});

/** The answer is there; it is not copied. */
export function answered(connection: Connection, answer: Buffer, nowMs: number): Step {
  if (connection.phase !== "asking") return { connection, out: [] };
  return goOn({ connection: { ...connection, phase: "answering", answer }, out: [] }, nowMs);
}

/** Sends what the guest has room for. */
function goOn({ connection, out, ...rest }: Step, nowMs: number): Step {
  if (connection?.phase !== "answering") return { connection, out, ...rest };
  const end = endOf(connection);
  if (connection.acknowledged > end) return connection.hasEnded ? { ...gone, out } : { connection, out };
  const limit = connection.acknowledged + Math.min(connection.window, unacknowledgedBytesMax);
  const segments: Segment[] = [];
  let { next } = connection;
  while (next <= end && (next < limit || next === end)) {
    const upTo = Math.min(end, next + connection.segmentBytesMax, Math.max(limit, next));
    const payload = connection.answer.subarray(next - 1, upTo - 1);
    const isLast = upTo === end;
    segments.push(segmentAt(connection, next, bitsOf(isLast), payload));
    next = isLast ? end + 1 : upTo;
  }
  const hasBegun = segments.length > 0 && connection.next === connection.acknowledged;
  const sent = Math.max(connection.sent, next);
  const resendAtMs = hasBegun ? nowMs + resendAfterMs * 2 ** connection.resends : connection.resendAtMs;
  return { connection: { ...connection, next, sent, resendAtMs }, out: [...out, ...segments], ...rest };
}

const bitsOf = (isLast: boolean): number => flags.acknowledge | (isLast ? flags.fin : 0);

/** The place of our own end, behind the greeting and the answer. */
const endOf = ({ answer }: Connection): number => 1 + answer.length;

/** Time has gone by: something is said again, or it is over. */
export function waited(connection: Connection, nowMs: number): Step {
  if (nowMs >= connection.endsAtMs) return resetting(connection);
  const isWaiting = connection.acknowledged < connection.sent;
  if (!isWaiting || nowMs < connection.resendAtMs) return { connection, out: [] };
  if (connection.resends >= resendsMax) return resetting(connection);
  const resends = connection.resends + 1;
  const later = { ...connection, resends, resendAtMs: nowMs + resendAfterMs * 2 ** resends };
  if (connection.acknowledged === 0) return { connection: later, out: [greeting(later)] };
  // Also into a window that has closed over what was sent.
  const anew = { ...later, next: connection.acknowledged, window: Math.max(1, later.window) };
  return goOn({ connection: anew, out: [] }, nowMs);
}
