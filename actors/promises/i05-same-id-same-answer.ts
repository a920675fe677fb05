/**
 * I5: a request id is executed once and answered alike. An answer with `wait` shows the instance and
 * operation as they ended, so only their ids are compared, not their states.
 */
import type { Event } from "../../protocol/event.ts";
import { retentionLimits } from "../../protocol/limits/retention.ts";
import type { NewEvent } from "../records/commit.ts";
import { type Call, createCalls, fieldsOf, isMutating, promisedBy, textOf } from "./calls.ts";
import type { Checker, Committed } from "./facts.ts";
import { isCommitted } from "./ledger.ts";

interface Told {
  readonly what: string;
  readonly atMs: number;
}

interface Known {
  /** When each request was last committed. */
  readonly committed: Map<string, number>;
  readonly answers: Map<string, Told>;
  readonly accepted: Set<string>;
}

export function sameIdSameAnswer(): Checker {
  const calls = createCalls();
  const known: Known = { committed: new Map(), answers: new Map(), accepted: new Set() };
  return {
    promise: "I5",
    see(fact) {
      if (fact.kind === "quiet") return doubleAccepted(new Set(), fact.events);
      if (isCommitted(fact)) {
        return [...executedTwice(known, fact), ...doubleAccepted(known.accepted, fact.commit.events ?? [])];
      }
      const call = calls.endOf(fact);
      if (call?.completed.outcome !== "ok" || !isMutating(call.invoked)) return [];
      return answeredOtherwise(known, call);
    },
  };
}

const forgotten = (thenMs: number, nowMs: number) => nowMs - thenMs >= retentionLimits.requestKeptMs;

function executedTwice({ committed }: Known, { commit, atMs }: Committed): readonly string[] {
  if (commit.request === undefined) return [];
  const { project, requestId } = commit.request;
  const key = `${project} ${requestId}`;
  const before = committed.get(key);
  committed.set(key, atMs);
  if (before === undefined || forgotten(before, atMs)) return [];
  return [`Request ${requestId} of ${project} was committed at ${before} ms, and again.`];
}

function answeredOtherwise({ answers }: Known, { invoked, completed }: Call): readonly string[] {
  const { project, requestId } = invoked;
  const key = `${project} ${requestId}`;
  const what = thingsOf(completed.answer ?? {});
  const before = answers.get(key);
  if (before === undefined || forgotten(before.atMs, completed.atMs)) {
    answers.set(key, { what, atMs: completed.atMs });
    return [];
  }
  if (before.what === what) return [];
  return [`Request ${requestId} of ${project} was answered with ${before.what}, and then with ${what}.`];
}

function thingsOf(answer: Readonly<Record<string, unknown>>): string {
  const changed = promisedBy(answer).map((one) => `${one.instanceId} by ${one.operationId}`);
  const { instance: _instance, operation: _operation, quota, ...others } = answer;
  const rows = Object.values(others).map((one) => textOf(fieldsOf(one).id));
  const project = textOf(fieldsOf(quota).project);
  return [...changed, ...rows, project].filter((id) => id !== "").join(", ");
}

function doubleAccepted(known: Set<string>, events: readonly (Event | NewEvent)[]): readonly string[] {
  return events.flatMap(({ event, noun, project, requestId, id }) => {
    if (noun !== "instance" || requestId === undefined) return [];
    if (event !== "accepted" && event !== "changed") return [];
    const key = `${project} ${requestId} ${id}`;
    if (known.has(key)) return [`Request ${requestId} of ${project} was accepted twice by instance ${id}.`];
    known.add(key);
    return [];
  });
}
