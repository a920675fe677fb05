/**
 * I4: what was acknowledged is durable. Each answer is preceded by the commit it rests on (where commits are
 * seen), and what it promised still exists when all is quiet. A create with a count makes that many, or with
 * `atLeast` no fewer than that. Edits and locks, and what guests are told, have files of their own.
 */
import { retentionLimits } from "../../protocol/limits/retention.ts";
import type { Commit } from "../records/commit.ts";
import { type Call, createCalls, isMutating, type Promised, promisedBy } from "./calls.ts";
import { editsAndLocks } from "./edits-and-locks.ts";
import type { Checker, Fact, Quiet } from "./facts.ts";
import { guestsAreTold } from "./guests-are-told.ts";
import { isCommitted } from "./ledger.ts";

/** What was committed; `seen` stays false for a judge that sees a cluster only from outside. */
interface Durable {
  seen: boolean;
  readonly requests: Set<string>;
  readonly generations: Map<string, number>;
  readonly operations: Set<string>;
}

/** The last promise about each instance and operation, and when it was given. */
interface Acknowledged {
  readonly instances: Map<string, { readonly generation: number; readonly atMs: number }>;
  readonly operations: Map<string, number>;
}

export function answeredIsDurable(): Checker {
  const calls = createCalls();
  const durable: Durable = {
    seen: false,
    requests: new Set(),
    generations: new Map(),
    operations: new Set(),
  };
  const acknowledged: Acknowledged = { instances: new Map(), operations: new Map() };
  const written = editsAndLocks();
  const told = guestsAreTold();
  const answered = (fact: Fact): readonly string[] => {
    if (isCommitted(fact)) remember(durable, fact.commit);
    if (fact.kind === "quiet") return [...lost(acknowledged, fact), ...disksLost(fact)];
    const call = calls.endOf(fact);
    if (call?.completed.outcome !== "ok" || !isMutating(call.invoked)) return [];
    acknowledge(acknowledged, call);
    return [...miscounted(call), ...(durable.seen ? unbacked(durable, call) : [])];
  };
  return { promise: "I4", see: (fact) => [...answered(fact), ...written.see(fact), ...told.see(fact)] };
}

function miscounted({ invoked: { method, request, requestId }, completed }: Call): readonly string[] {
  const { count, atLeast = count } = request;
  if (method !== "instance.create" || typeof count !== "number" || typeof atLeast !== "number") return [];
  const { all, more } = completed.answer ?? {};
  const made = [all, more].reduce<number>((sum, list) => sum + (Array.isArray(list) ? list.length : 0), 0);
  if (made >= atLeast && made <= count) return [];
  return [`Request ${requestId} was answered with ${made} instances, of ${count} and ${atLeast} at least.`];
}

/** A disk that a guest has written to must last: nothing of novact may remove it. */
function disksLost({ disksLost = [] }: Quiet): readonly string[] {
  return disksLost.map((id) => `The disk of instance ${id} is gone, and the instance is not.`);
}

function remember(durable: Durable, { request, instances, operations }: Commit): void {
  durable.seen = true;
  if (request !== undefined) durable.requests.add(`${request.project} ${request.requestId}`);
  for (const { row } of instances ?? []) {
    const before = durable.generations.get(row.id) ?? 0;
    durable.generations.set(row.id, Math.max(before, row.generation));
  }
  for (const { id } of operations ?? []) durable.operations.add(id);
}

function acknowledge({ instances, operations }: Acknowledged, { completed }: Call): void {
  for (const { instanceId, generation, operationId } of promisedBy(completed.answer ?? {})) {
    const before = instances.get(instanceId)?.generation ?? 0;
    instances.set(instanceId, { generation: Math.max(before, generation), atMs: completed.atMs });
    if (operationId !== "") operations.set(operationId, completed.atMs);
  }
}

function unbacked(durable: Durable, { invoked, completed }: Call): readonly string[] {
  const { method, project, requestId } = invoked;
  const request = durable.requests.has(`${project} ${requestId}`)
    ? []
    : [`${method} ${requestId} of ${project} was answered, but never committed.`];
  const rest = promisedBy(completed.answer ?? {}).flatMap((one) => missing(durable, one));
  return [...request, ...rest];
}

function missing(durable: Durable, { instanceId, generation, operationId }: Promised): readonly string[] {
  const committed = durable.generations.get(instanceId) ?? 0;
  const instance =
    committed >= generation && committed > 0
      ? []
      : [`Instance ${instanceId} was answered at generation ${generation}; committed is ${committed}.`];
  if (operationId === "" || durable.operations.has(operationId)) return instance;
  return [...instance, `Operation ${operationId} was answered, but never committed.`];
}

/** Rows older than the retention may be missing: they may have been deleted and pruned since. */
function lost({ instances, operations }: Acknowledged, quiet: Quiet): readonly string[] {
  const rows = new Map(quiet.instances.map((row) => [row.id, row]));
  const kept = new Set(quiet.operations.map(({ id }) => id));
  const young = (atMs: number) => quiet.atMs - atMs < retentionLimits.tombstoneKeptMs;
  const behind = [...instances].flatMap(([id, { generation, atMs }]) => {
    const row = rows.get(id);
    if (row === undefined) return young(atMs) ? [`Instance ${id} was acknowledged and is lost.`] : [];
    if (row.generation >= generation) return [];
    return [`Instance ${id} was acknowledged at generation ${generation} and is at ${row.generation}.`];
  });
  const gone = [...operations].filter(([id, atMs]) => !kept.has(id) && young(atMs));
  return [...behind, ...gone.map(([id]) => `Operation ${id} was acknowledged and is lost.`)];
}
