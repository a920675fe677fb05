/**
 * From a decision about a host to a commit: its part of the row, its operations, their events. The one place
 * that raises a host's version in memory, and that ends an operation of a host. Pure.
 */
import type { OperationState } from "../../../protocol/states.ts";
import type { ErrorBody } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Commit, NewEvent } from "../../records/commit.ts";
import type { HostRecord, LoadedHost } from "../../records/host.ts";
import type { OperationRecord } from "../../records/instance.ts";
import type { HostDecision, HostEffect } from "./messages.ts";

/** The part of a host's row that its actor owns. */
type Own = Pick<HostRecord, "enabled" | "disabledReason" | "draining">;

export interface HostChange {
  /** Absent: stays as it is. */
  readonly own?: Partial<Own>;
  /** Operations as they are from now on: begun, gone on, or ended. */
  readonly operations?: readonly OperationRecord[];
  readonly events?: readonly NewEvent[];
  /** What else is in the commit. */
  readonly also?: Omit<Commit, "hostsExpected" | "hostsEnabled" | "operations" | "events">;
  readonly effects?: readonly HostEffect[];
}

/** The decision that makes a change durable. */
export function changed(loaded: LoadedHost, change: HostChange): HostDecision {
  const { host } = loaded;
  const { own, operations = [], events = [], also = {}, effects = [] } = change;
  const { enabled, disabledReason, draining } = { ...host, ...own };
  const ends = operations.flatMap((operation) => endEvent(operation, loaded));
  const commit: Commit = {
    hostsExpected: [{ hostId: host.id, version: host.version }],
    ...(own === undefined
      ? {}
      : { hostsEnabled: [{ hostId: host.id, enabled, reason: disabledReason, draining }] }),
    ...(operations.length === 0 ? {} : { operations }),
    events: [...events, ...ends],
    ...also,
  };
  const after = { ...host, enabled, disabledReason, draining, version: host.version + 1 };
  const next = { host: after, operations: goingOn(loaded, operations) };
  return { outcome: { kind: "accepted" }, next, commit, effects };
}

export const unchanged = (loaded: LoadedHost, effects: readonly HostEffect[] = []): HostDecision => ({
  outcome: { kind: "unchanged" },
  next: loaded,
  commit: undefined,
  effects,
});

function goingOn(loaded: LoadedHost, written: readonly OperationRecord[]): readonly OperationRecord[] {
  const ids = new Set(written.map(({ id }) => id));
  const all = [...loaded.operations.filter(({ id }) => !ids.has(id)), ...written];
  return all.filter(({ state }) => state === "running");
}

/** An operation that was under way and ends tells so by an event (I10). */
function endEvent(operation: OperationRecord, { host, operations }: LoadedHost): readonly NewEvent[] {
  const { id, kind, state, error, endedAtMs } = operation;
  if (state === "running" || !operations.some((one) => one.id === id)) return [];
  const body = { name: host.name, kind, state, ...(error === null ? {} : { error }) };
  const about = { project: adminProject, noun: "host", id: host.id, operationId: id };
  return [{ ...about, event: "operationEnded", atMs: endedAtMs ?? 0, body }];
}

export interface Beginning {
  readonly id: string;
  readonly kind: "drain" | "fence";
  readonly requestId: string;
  readonly nowMs: number;
  readonly deadlineAtMs: number;
}

export function operationOf({ id: entityId }: HostRecord, begun: Beginning): OperationRecord {
  const { id, kind, requestId, nowMs, deadlineAtMs } = begun;
  return {
    ...{ id, project: adminProject, noun: "host", entityId, toHost: null, kind, requestId },
    ...{ state: "running", percent: 0, step: "accepted", steps: [{ step: "accepted", atMs: nowMs }] },
    ...{ startedAtMs: nowMs, deadlineAtMs, endedAtMs: null, error: null },
  };
}

export interface Step {
  readonly step: string;
  readonly message?: string;
  /** Never falls. */
  readonly percent?: number;
  readonly nowMs: number;
}

/** Adds a step, or gives the newest one another message: the time of a step is when it was reached. */
export function withStep(
  operation: OperationRecord,
  { step, message, percent = 0, nowMs }: Step,
): OperationRecord {
  const last = operation.steps.at(-1);
  const same = last?.step === step;
  const told = message === undefined ? {} : { message };
  const reached = same ? { ...last, ...told } : { step, atMs: nowMs, ...told };
  const before = same ? operation.steps.slice(0, -1) : operation.steps;
  return {
    ...operation,
    step,
    steps: [...before, reached],
    percent: Math.max(operation.percent, percent),
  };
}

export interface End {
  readonly state: Exclude<OperationState, "running">;
  readonly message?: string;
  readonly error?: ErrorBody;
  readonly nowMs: number;
}

export function ended(operation: OperationRecord, { state, message, error, nowMs }: End): OperationRecord {
  const said = message ?? error?.message;
  const told = withStep(operation, {
    ...{ step: state, nowMs, percent: state === "done" ? 100 : 0 },
    ...(said === undefined ? {} : { message: said }),
  });
  return { ...told, state, endedAtMs: nowMs, error: error ?? null };
}

export const underWay = ({ operations }: LoadedHost, kind: "drain" | "fence"): OperationRecord | undefined =>
  operations.find((operation) => operation.kind === kind);
