/** What operators ask of a host: enable, disable, drain, remove. Fences are in fence.ts. Pure. */
import { errorBodyOf } from "../../../protocol/wire/denials.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { NewEvent, RequestRecord } from "../../records/commit.ts";
import type { Draining, HostRecord, LoadedHost } from "../../records/host.ts";
import type { OperationRecord } from "../../records/instance.ts";
import { operationView } from "../request/operation-view.ts";
import { changed, ended, operationOf, underWay } from "./change.ts";
import { drainingFrom, drainOf } from "./drain.ts";
import { hostLimits } from "./limits.ts";
import type { CommandEvent, HostAnswer, HostCommand, HostDecision } from "./messages.ts";
import { hostView } from "./view.ts";

type Asked<C extends HostCommand["command"]> = Extract<HostCommand, { readonly command: C }>;

/** The host enabled or disabled; enabling it ends its drain. */
export function decideSwitch(
  loaded: LoadedHost,
  asked: Asked<"enable"> | Asked<"disable">,
  event: CommandEvent,
): HostDecision {
  const enabled = asked.command === "enable";
  const reason = asked.command === "disable" ? asked.reason : null;
  const { draining } = loaded.host;
  const own = { enabled, disabledReason: reason, draining: enabled ? null : draining };
  const drain = enabled ? underWay(loaded, "drain") : undefined;
  const cancelled = drain && cancelledBy(drain, "The host was enabled again.", event.nowMs);
  const failures = enabled ? { failedBuilds: 0 } : {};
  return changed(loaded, {
    own,
    ...(cancelled === undefined ? {} : { operations: [cancelled] }),
    events: [eventOf(event, { event: enabled ? "enabled" : "disabled", body: { reason } })],
    also: { request: requestOf(event, { host: shown(loaded, event, { ...own, ...failures }) }) },
    effects: [{ kind: "tellOfHosts" }],
  });
}

/**
 * A drain begins, with an operation of its own. One that is under way goes on in the new one, perhaps with
 * another parallelism, and its operation is cancelled.
 */
export function decideDrain(loaded: LoadedHost, asked: Asked<"drain">, event: CommandEvent): HostDecision {
  const { host } = loaded;
  const { operationId: id, nowMs, request } = event;
  if (host.lease?.fencedBy) {
    const message = `${host.name} is fenced: what was on it starts elsewhere without a drain.`;
    return denied(loaded, { reason: "hostFenced", message });
  }
  const before = underWay(loaded, "drain");
  const draining = drainingOf(host, asked, event);
  const deadlineAtMs = nowMs + hostLimits.drainPatienceMs;
  const begun = { id, kind: "drain", requestId: request.requestId, nowMs, deadlineAtMs } as const;
  const operation = operationOf(host, begun);
  const own = { enabled: false, disabledReason: asked.reason, draining };
  const after = { ...host, ...own };
  const answer: HostAnswer = {
    host: shown(loaded, event, own),
    drain: drainOf(asked, draining, new Map()),
    operation: operationView(operation),
  };
  const decision = changed(loaded, {
    own,
    operations: [
      ...(before === undefined ? [] : [cancelledBy(before, "Another drain took its place.", nowMs)]),
      operation,
    ],
    events: [eventOf(event, { event: "draining", body: { reason: asked.reason }, operationId: id })],
    also: { request: requestOf(event, answer) },
  });
  return { ...decision, effects: [{ kind: "tellOfHosts" }, { kind: "survey", host: after }] };
}

function drainingOf(
  { draining }: HostRecord,
  { there, parallelism }: Asked<"drain">,
  { operationId, nowMs }: CommandEvent,
): Draining {
  const known = draining ?? drainingFrom(there.owned, nowMs);
  return { ...known, operationId, ...(parallelism === undefined ? {} : { parallelism }) };
}

/** The host forgotten. Its drain has come to its end then, unless it was fenced. */
export function decideRemove(loaded: LoadedHost, event: CommandEvent): HostDecision {
  const { id, lease } = loaded.host;
  const fenced = lease !== null && lease.fencedBy !== null;
  const { nowMs } = event;
  const operations = loaded.operations.map((operation) =>
    operation.kind === "drain" && !fenced
      ? ended(operation, { state: "done", message: "The host is empty, and removed.", nowMs })
      : cancelledBy(operation, "The host was removed.", nowMs),
  );
  return changed(loaded, {
    operations,
    events: [eventOf(event, { event: "removed", body: { fenced } })],
    also: {
      hostsRemoved: [{ hostId: id, parked: fenced }],
      ...(fenced ? { fencesExpected: [{ hostId: id, leaseEpoch: lease.leaseEpoch }] } : {}),
      request: requestOf(event, { host: shown(loaded, event, {}) }),
    },
    effects: [{ kind: "tellOfHosts" }, { kind: "forget" }],
  });
}

export function denied(
  loaded: LoadedHost,
  denial: Extract<HostDecision["outcome"], { kind: "denied" }>["denial"],
): HostDecision {
  return { outcome: { kind: "denied", denial }, next: loaded, commit: undefined, effects: [] };
}

export function cancelledBy(operation: OperationRecord, message: string, nowMs: number): OperationRecord {
  return ended(operation, {
    state: "cancelled",
    error: errorBodyOf({ reason: "cancelled", message }),
    nowMs,
  });
}

/** The host as the answer shows it: as it was read for the command, with what its actor knows and changes. */
export function shown(
  { host }: LoadedHost,
  { found, seen }: CommandEvent,
  change: Partial<HostRecord>,
): HostAnswer["host"] {
  const { enabled, disabledReason, draining } = host;
  return hostView({ ...found, enabled, disabledReason, draining, ...change }, seen);
}

export function requestOf({ request, nowMs }: CommandEvent, answer: HostAnswer): RequestRecord {
  return { ...request, answer, atMs: nowMs };
}

function eventOf(
  { found: { id, name }, request, nowMs: atMs }: CommandEvent,
  { body, ...told }: Pick<NewEvent, "event" | "body" | "operationId">,
): NewEvent {
  const about = { project: adminProject, noun: "host", id, atMs, requestId: request.requestId };
  return { ...about, ...told, body: { name, ...body } };
}
