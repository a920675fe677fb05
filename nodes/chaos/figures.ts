/** The figures of a run, computed from its facts. Pure. */
import type { Completed, Fact, Invoked } from "../../actors/promises/facts.ts";
import type { FaultRecord } from "./recorder.ts";

export interface Call {
  readonly invoked: Invoked;
  /** Undefined: the call was never answered. */
  readonly completed: Completed | undefined;
}

export interface Latency {
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Figures {
  readonly calls: number;
  readonly outcomes: { readonly ok: number; readonly failed: number; readonly unknown: number };
  readonly unanswered: number;
  /** Numbers of failed calls, by reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Numbers of operations that commands waited for, by their final state. */
  readonly operations: Readonly<Record<string, number>>;
  readonly methods: Readonly<Record<string, number>>;
  /** Latency of calls that did not wait for an operation's end, while something was broken. */
  readonly duringFaults: Latency;
  readonly outsideFaults: Latency;
  readonly faults: { readonly done: number; readonly skipped: number; readonly failed: number };
  readonly guestsStarted: number;
  readonly guestsEnded: number;
  /** How often hosts were looked at, and how many addresses they answered for, in all looks. */
  readonly looks: { readonly hosts: number; readonly answers: number };
  readonly eventsWatched: Readonly<Record<string, number>>;
}

export function callsOf(facts: readonly Fact[]): readonly Call[] {
  const ends = new Map<number, Completed>();
  for (const fact of facts) if (fact.kind === "completed") ends.set(fact.call, fact);
  return facts.flatMap((fact) =>
    fact.kind === "invoked" ? [{ invoked: fact, completed: ends.get(fact.call) }] : [],
  );
}

/** How long a fault has effects after it is healed: processes have to start. */
const aftermathMs = 5_000;

export function figuresOf(facts: readonly Fact[], faults: readonly FaultRecord[]): Figures {
  const calls = callsOf(facts);
  const spans = faults.filter(({ outcome }) => outcome === "done");
  const isDuring = ({ invoked, completed }: Call): boolean =>
    spans.some(
      ({ atMs, untilMs }) =>
        invoked.atMs <= untilMs + aftermathMs && (completed?.atMs ?? Number.POSITIVE_INFINITY) >= atMs,
    );
  const short = calls.filter(({ invoked, completed }) => invoked.request.wait !== true && completed);
  const count = (outcome: Completed["outcome"]) =>
    calls.filter(({ completed }) => completed?.outcome === outcome).length;
  return {
    calls: calls.length,
    outcomes: { ok: count("ok"), failed: count("failed"), unknown: count("unknown") },
    unanswered: calls.filter(({ completed }) => completed === undefined).length,
    reasons: tally(calls.flatMap(({ completed }) => completed?.reason ?? [])),
    operations: tally(calls.flatMap(operationStateOf)),
    methods: tally(calls.map(({ invoked }) => invoked.method)),
    duringFaults: latencyOf(short.filter(isDuring)),
    outsideFaults: latencyOf(short.filter((call) => !isDuring(call))),
    faults: {
      done: spans.length,
      skipped: faults.filter(({ outcome }) => outcome === "skipped").length,
      failed: faults.filter(({ outcome }) => outcome === "failed").length,
    },
    guestsStarted: facts.filter(({ kind }) => kind === "guestStarted").length,
    guestsEnded: facts.filter(({ kind }) => kind === "guestEnded").length,
    looks: looksOf(facts),
    eventsWatched: tally(facts.flatMap((fact) => (fact.kind === "watched" ? [fact.watcher] : []))),
  };
}

function looksOf(facts: readonly Fact[]): Figures["looks"] {
  const looks = facts.filter((fact) => fact.kind === "hostLook");
  return { hosts: looks.length, answers: looks.reduce((sum, { answers }) => sum + answers.length, 0) };
}

function operationStateOf({ invoked, completed }: Call): readonly string[] {
  const operation = completed?.answer?.operation;
  if (invoked.request.wait !== true || typeof operation !== "object" || operation === null) return [];
  return "state" in operation ? [String(operation.state)] : [];
}

function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function latencyOf(calls: readonly Call[]): Latency {
  const times = calls
    .map(({ invoked, completed }) => (completed?.atMs ?? invoked.atMs) - invoked.atMs)
    .sort((left, right) => left - right);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { calls: times.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: times.at(-1) ?? 0 };
}
