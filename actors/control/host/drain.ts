/**
 * How a drain goes on: who leaves next, how far it has come, and how it ends. It is done when nothing of any
 * instance is on the host, and has failed when what is left stays. Pure.
 *
 * It must never have a guest shut down for which no host has room. Here room is only a guess, which knows
 * nothing of other controllers, nor of instances on their way: the commit that lets the instance go also
 * claims the room, and a guest whose claim does not fit stays where it runs.
 */
import type { Drain } from "../../../protocol/host.ts";
import { placementLimits } from "../../../protocol/limits/placement.ts";
import { errorBodyOf } from "../../../protocol/wire/denials.ts";
import type { ErrorBody } from "../../../protocol/wire/status.ts";
import type { Whereabouts } from "../../ports/instance-reads.ts";
import type { Draining, HostRecord, LoadedHost } from "../../records/host.ts";
import type { InstanceRecord, OperationRecord } from "../../records/instance.ts";
import { isBusy, moveAllowedMs, moveDenied } from "../instance/move.ts";
import { changed, ended, operationOf, unchanged, underWay, withStep } from "./change.ts";
import { hostLimits } from "./limits.ts";
import type { HostDecision, HostEffect, OnHost, Survey, SurveyedEvent } from "./messages.ts";

interface Found {
  readonly there: OnHost;
  readonly living?: readonly Whereabouts[];
}

/**
 * How far the drain is. `obstacles`: why instances that may leave did not, at the last attempt. `living`: the
 * instances that were there when the drain began and are not deleted; absent: they were too many to remember.
 */
export function drainOf(
  { there: { owned, leaving }, living }: Found,
  draining: Draining,
  obstacles: ReadonlyMap<string, string>,
): Drain {
  const cannot = owned.flatMap((instance) => {
    if (instance.desired === "deleted") return [];
    const why = moveDenied(instance) ?? obstacles.get(instance.id);
    return why === undefined ? [] : [{ instanceId: instance.id, name: instance.name, why }];
  });
  return {
    moving: leaving.length,
    moved: Math.max(0, draining.instances - owned.length - leaving.length),
    ...(living === undefined ? {} : counted({ owned, leaving }, draining, living)),
    left: owned.length - cannot.length,
    cannot: cannot.slice(0, placementLimits.drainListedMax),
    staying: cannot.length,
  };
}

/**
 * Counts the instances that left the host. An instance that is to run counts as moving until another host
 * owns it.
 */
function counted(
  { owned, leaving }: Pick<OnHost, "owned" | "leaving">,
  { instances }: Draining,
  living: readonly Whereabouts[],
): Pick<Required<Drain>, "moving" | "moved" | "deleted"> {
  const here = new Set([...owned.map(({ id }) => id), ...leaving]);
  const left = living.filter(({ instanceId }) => !here.has(instanceId));
  const between = left.filter(({ hostId, desired }) => hostId === null && desired !== "stopped");
  return {
    moving: leaving.length + between.length,
    moved: left.length - between.length,
    deleted: instances - living.length,
  };
}

/** The drain that begins now with these instances. */
export function drainingFrom(owned: readonly InstanceRecord[], atMs: number): Draining {
  const instanceIds = owned.map((instance) => instance.id);
  const remembered = owned.length > hostLimits.drainRememberedMax ? {} : { instanceIds };
  const parallelism = placementLimits.drainParallelismDefault;
  return { atMs, parallelism, instances: owned.length, ...remembered };
}

/**
 * Instances in the order in which they are to leave. Those that were asked before and are still there come
 * last: a refused claim must not hold up the others.
 */
export function inTurn(
  leaving: readonly InstanceRecord[],
  asked: ReadonlySet<string>,
): readonly InstanceRecord[] {
  return [...leaving.filter(({ id }) => !asked.has(id)), ...leaving.filter(({ id }) => asked.has(id))];
}

/** Takes in what a survey of the host has found. */
export function decideSurveyed(loaded: LoadedHost, event: SurveyedEvent): HostDecision {
  const { host } = loaded;
  const { survey, nowMs } = event;
  if (host.draining === null || host.lease?.fencedBy) return unchanged(loaded);
  const drain = drainOf(survey, host.draining, survey.obstacles);
  const before = inReason(underWay(loaded, "drain") ?? begun(host, event), { survey, drain, nowMs });
  const late = nowMs > before.deadlineAtMs;
  if (isEmpty(survey.there) && (drain.moving === 0 || late)) return done(loaded, before, { drain, nowMs });
  if (isStuck(survey, drain, late)) return failed(loaded, before, incomplete(host, survey, drain), nowMs);
  const operation = progressed(before, { survey, drain, draining: host.draining, nowMs });
  const effects = survey.rooms.map(({ instance, to }): HostEffect => {
    return { kind: "move", instanceId: instance.id, to };
  });
  const known = loaded.operations.includes(operation);
  return known ? unchanged(loaded, effects) : changed(loaded, { operations: [operation], effects });
}

const isEmpty = ({ owned, leaving, deleting }: OnHost): boolean =>
  owned.length + leaving.length + deleting === 0;

/**
 * True when nothing will leave the host any more by itself: what is left may not be moved at all, or has
 * found no room for all the time that a drain waits. An instance that is asked again and again is no
 * progress.
 */
function isStuck({ there, rooms, asked }: Survey, { moving }: Drain, late: boolean): boolean {
  if (late) return rooms.every(({ instance }) => asked.has(instance.id));
  const stays = (one: InstanceRecord) => one.desired !== "deleted" && moveDenied(one) !== undefined;
  return rooms.length === 0 && moving === 0 && there.deleting === 0 && there.owned.every(stays);
}

/**
 * The operation with a deadline that can be: one further ahead, while nothing is on its way, is that of a
 * controller whose clock was wrong, and waiting for it could take hours.
 */
function inReason(
  operation: OperationRecord,
  { survey, drain, nowMs }: Omit<Progress, "draining">,
): OperationRecord {
  const { owned } = survey.there;
  const latestMs = nowMs + Math.max(0, ...owned.map(moveAllowedMs)) + hostLimits.drainPatienceMs;
  if (drain.moving > 0 || operation.deadlineAtMs <= latestMs) return operation;
  return { ...operation, deadlineAtMs: latestMs };
}

/** For a drain that a controller from before there were operations has begun. */
function begun(host: HostRecord, { operationId: id, nowMs }: SurveyedEvent): OperationRecord {
  const deadlineAtMs = nowMs + hostLimits.drainPatienceMs;
  return operationOf(host, { id, kind: "drain", requestId: id, nowMs, deadlineAtMs });
}

interface Progress {
  readonly survey: Survey;
  readonly drain: Drain;
  readonly draining: Draining;
  readonly nowMs: number;
}

/** The operation as the survey finds it; the same object when nothing is to be told. */
function progressed(before: OperationRecord, { survey, drain, draining, nowMs }: Progress): OperationRecord {
  const counts = countsOf(survey.there, drain, draining);
  const first = survey.rooms.filter(({ instance }) => !survey.asked.has(instance.id));
  const allowedMs = Math.max(0, ...first.map(({ instance }) => moveAllowedMs(instance)));
  const untilMs = first.length === 0 ? 0 : nowMs + allowedMs + hostLimits.drainPatienceMs;
  const deadlineAtMs = Math.max(before.deadlineAtMs, untilMs);
  if (saysSo(before, counts) && deadlineAtMs === before.deadlineAtMs) return before;
  const { instances } = draining;
  const percent = Math.min(99, Math.floor((goneOf(survey.there, draining) / Math.max(1, instances)) * 100));
  const message = withReasons(counts, drain);
  return { ...withStep(before, { step: "moving", message, percent, nowMs }), deadlineAtMs };
}

const goneOf = ({ owned, leaving }: OnHost, { instances }: Draining): number =>
  Math.max(0, instances - owned.length - leaving.length);

/** How far it has come, in numbers: a change of these is told, a change of a reason alone is not. */
function countsOf(there: OnHost, { moving, staying }: Drain, draining: Draining): string {
  const counts = [
    `${goneOf(there, draining)} of ${draining.instances} gone`,
    ...(moving === 0 ? [] : [`${moving} on the way`]),
    ...(staying === 0 ? [] : [`${staying} staying`]),
  ];
  return counts.join(", ");
}

function saysSo({ steps }: OperationRecord, counts: string): boolean {
  const message = steps.at(-1)?.message ?? "";
  return message === counts || message.startsWith(`${counts}: `);
}

function withReasons(counts: string, { cannot }: Pick<Drain, "cannot">): string {
  if (cannot.length === 0) return counts;
  const named = cannot.slice(0, hostLimits.stayNamedMax).map(({ name, why }) => `${name}: ${why}`);
  return `${counts}: ${named.join(" ")}`;
}

interface Outcome {
  readonly drain: Drain;
  readonly nowMs: number;
}

function done(loaded: LoadedHost, operation: OperationRecord, { drain, nowMs }: Outcome): HostDecision {
  const { moved, moving, deleted = 0 } = drain;
  const counts = [
    `Nothing is on the host any more: ${moved} moved`,
    ...(deleted === 0 ? [] : [`${deleted} deleted`]),
    ...(moving === 0 ? [] : [`${moving} waiting for a host`]),
  ];
  const message = `${counts.join(", ")}.`;
  return over(loaded, ended(operation, { state: "done", message, nowMs }));
}

export function failed(
  loaded: LoadedHost,
  operation: OperationRecord,
  error: ErrorBody,
  nowMs: number,
): HostDecision {
  return over(loaded, ended(operation, { state: "failed", error, nowMs }));
}

/** Ends the drain with its operation; the host stays disabled. */
function over(loaded: LoadedHost, operation: OperationRecord): HostDecision {
  return changed(loaded, {
    ...{ own: { draining: null }, operations: [operation], effects: [{ kind: "tellOfHosts" }] },
  });
}

/** What is still on the host, and why. */
function incomplete({ name }: HostRecord, { there, obstacles }: Survey, drain: Drain): ErrorBody {
  const { owned, leaving, deleting } = there;
  const whyOf = (instance: InstanceRecord): string => {
    if (instance.desired === "deleted") return "It is being deleted.";
    const lasting = moveDenied(instance) ?? obstacles.get(instance.id);
    return lasting ?? (isBusy(instance) ? "Something is under way with it." : "Its turn has not come.");
  };
  const stays = owned.map((one) => ({ instanceId: one.id, name: one.name, why: whyOf(one) }));
  const counts = [
    ...(owned.length === 0 ? [] : [`${owned.length} staying`]),
    ...(leaving.length === 0 ? [] : [`${leaving.length} that shall leave and have not`]),
    ...(deleting === 0 ? [] : [`remains of ${deleting} that were deleted`]),
  ];
  const message = `${name} is not empty: ${withReasons(counts.join(", "), { cannot: stays })}`;
  const details = { instances: stays.slice(0, placementLimits.drainListedMax), moved: drain.moved };
  return errorBodyOf({ reason: "drainIncomplete", message, details });
}
