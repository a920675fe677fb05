/**
 * I6: every passing state has an owner: an operation with a deadline, or the reconciler, which looks at
 * instances that are not settled. When all is quiet, no passing state is left and every call has ended.
 */
import type { InstanceState } from "../../protocol/states.ts";
import type { Commit } from "../records/commit.ts";
import type { InstanceRecord, OperationRecord } from "../records/instance.ts";
import { createCalls } from "./calls.ts";
import type { Checker, Invoked, Quiet } from "./facts.ts";
import { isCommitted } from "./ledger.ts";

const passing: ReadonlySet<InstanceState> = new Set([
  "building",
  "starting",
  "rebooting",
  "pausing",
  "unpausing",
  "stopping",
  "deleting",
]);

export function nothingStuck(): Checker {
  const calls = createCalls();
  const underWay = new Map<string, OperationRecord>();
  return {
    promise: "I6",
    see(fact) {
      calls.endOf(fact);
      if (fact.kind === "quiet") return still(fact, calls.open());
      if (!isCommitted(fact)) return [];
      const { commit } = fact;
      const endless = noted(underWay, commit);
      return [...endless, ...(commit.instances ?? []).flatMap(({ row }) => abandoned(row, underWay))];
    },
  };
}

function noted(underWay: Map<string, OperationRecord>, { operations = [] }: Commit): string[] {
  return operations.flatMap((operation) => {
    const { id, state, deadlineAtMs } = operation;
    if (state !== "running") underWay.delete(id);
    else underWay.set(id, operation);
    return state !== "running" || Number.isFinite(deadlineAtMs) ? [] : [`Operation ${id} has no deadline.`];
  });
}

function abandoned(row: InstanceRecord, underWay: ReadonlyMap<string, OperationRecord>): readonly string[] {
  const { id, state, operationId, settled } = row;
  const operation = operationId === null ? undefined : underWay.get(operationId);
  const broken: string[] = [];
  if (operationId !== null && operation === undefined) {
    broken.push(`Instance ${id} is occupied by operation ${operationId}, which is not under way.`);
  }
  if (operationId !== null && settled) {
    broken.push(`Instance ${id} is settled, but operation ${operationId} has not ended.`);
  }
  if (passing.has(state) && settled && operation === undefined) {
    broken.push(`Instance ${id} is ${state}, and nobody sees to it.`);
  }
  return broken;
}

function still({ instances, operations }: Quiet, open: Iterable<Invoked>): readonly string[] {
  const running = operations.filter(({ state }) => state === "running");
  const moving = instances.filter(({ state }) => passing.has(state) || state === "unknown");
  return [
    ...running.map(({ id, kind, instanceId }) => `Operation ${id} (${kind} of ${instanceId}) never ended.`),
    ...moving.map(({ id, state }) => `Instance ${id} is ${state} and stays so.`),
    ...[...open].map(
      ({ client, call, method }) => `Call ${call} of ${client} (${method}) was never answered.`,
    ),
  ];
}
