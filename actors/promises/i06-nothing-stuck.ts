/**
 * I6: every passing state has an owner: an operation with a deadline, or the reconciler, which looks at
 * instances that are not settled. No drain goes on whose host is drained no more. When all is quiet, no
 * passing state is left and every call has ended.
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
      const broken = [...noted(underWay, commit), ...forsaken(commit, underWay)];
      return [...broken, ...(commit.instances ?? []).flatMap(({ row }) => abandoned(row, underWay))];
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

/**
 * A drain ends in the commit that ends the draining of its host, and every operation of a host with the host.
 */
function forsaken(commit: Commit, underWay: ReadonlyMap<string, OperationRecord>): readonly string[] {
  const { hostsEnabled = [], hostsRemoved = [] } = commit;
  const undrained = hostsEnabled.filter(({ enabled, draining }) => enabled || draining === null);
  if (undrained.length + hostsRemoved.length === 0) return [];
  const [enabled, removed] = [undrained, hostsRemoved].map(
    (list) => new Set(list.map(({ hostId }) => hostId)),
  );
  return [...underWay.values()].flatMap(({ id, noun, entityId, kind }) => {
    if (noun !== "host") return [];
    if (removed?.has(entityId)) return [`Host ${entityId} is removed, and its ${kind} ${id} goes on.`];
    if (kind !== "drain" || !enabled?.has(entityId)) return [];
    return [`Host ${entityId} is drained no more, and its drain ${id} goes on.`];
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
    ...running.map(
      ({ id, kind, entityId, instanceId }) =>
        `Operation ${id} (${kind} of ${entityId ?? instanceId}) never ended.`,
    ),
    ...moving.map(({ id, state }) => `Instance ${id} is ${state} and stays so.`),
    ...[...open].map(
      ({ client, call, method }) => `Call ${call} of ${client} (${method}) was never answered.`,
    ),
  ];
}
