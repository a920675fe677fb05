/** What each command does to the intent, how long it may take, and how it is answered. Pure. */
import type { Changed } from "../../../protocol/instance.ts";
import { lifeLimits } from "../../../protocol/limits/life.ts";
import type { InstanceOperationKind } from "../../../protocol/states.ts";
import { errorBodyOf } from "../../../protocol/wire/denials.ts";
import type { ErrorBody } from "../../../protocol/wire/status.ts";
import type { InstanceRecord, LoadedInstance, OperationRecord } from "../../records/instance.ts";
import { operationView } from "../request/operation-view.ts";
import { type AdmissionCommand, operationKindOf } from "./admission.ts";
import { fetchAllowedMs, type Made } from "./fetch-time.ts";
import { instanceLimits } from "./limits.ts";
import type { CommandEvent, HostFacts } from "./messages.ts";
import { currentMachine, instanceView } from "./state.ts";

/** The change of the intent by an accepted command: a new generation, and no failure any more. */
export function changeOfIntent(instance: InstanceRecord, event: CommandEvent): Partial<InstanceRecord> {
  const generation = instance.generation + 1;
  return { generation, failure: null, ...intentOf(instance, event.command, event.stopTimeoutMs) };
}

function intentOf(
  instance: InstanceRecord,
  command: AdmissionCommand,
  stopTimeoutMs: number,
): Partial<InstanceRecord> {
  switch (command) {
    case "start": {
      const startCount = instance.startCount + 1;
      const again = instance.hostId === null ? { attempt: 0, excludedHosts: [] } : {};
      return { desired: "running", startCount, ...again };
    }
    case "stop":
      return { desired: "stopped", stop: { mode: "graceful", timeoutMs: stopTimeoutMs } };
    case "stopHard":
      return { desired: "stopped", stop: { mode: "hard", timeoutMs: 0 } };
    case "reboot":
      return { desired: "running", resetCount: instance.resetCount + 1, resetMode: "soft" };
    case "rebootHard":
      return { desired: "running", resetCount: instance.resetCount + 1, resetMode: "hard" };
    case "pause":
      return { desired: "paused" };
    case "unpause":
      return { desired: "running" };
    case "delete":
      return { desired: "deleted" };
    case "evacuate":
    case "interfaceAttach":
    case "interfaceDetach":
    case "volumeAttach":
    case "volumeDetach":
    case "volumeExtend":
      return {};
  }
}

const timeoutMsOf = {
  create: lifeLimits.buildTimeoutMs,
  start: instanceLimits.startTimeoutMs,
  stop: 0,
  reboot: instanceLimits.startTimeoutMs + lifeLimits.stopTimeoutMsDefault,
  pause: instanceLimits.verbTimeoutMs,
  unpause: instanceLimits.verbTimeoutMs,
  delete: instanceLimits.deleteTimeoutMs,
  recover: instanceLimits.startTimeoutMs,
  evacuate: instanceLimits.startTimeoutMs,
  move: instanceLimits.startTimeoutMs,
  interfaceAttach: instanceLimits.verbTimeoutMs,
  interfaceDetach: instanceLimits.verbTimeoutMs,
  volumeAttach: instanceLimits.volumeTimeoutMs,
  volumeDetach: instanceLimits.verbTimeoutMs + instanceLimits.volumePatienceMs,
  volumeExtend: instanceLimits.verbTimeoutMs,
} as const satisfies Record<InstanceOperationKind, number>;

export function newOperation(instance: InstanceRecord, event: Commanded): OperationRecord {
  const { operationId, nowMs, request } = event;
  const { requestId } = request;
  return operationOf(instance, { kind: operationKindOf[event.command], operationId, nowMs, requestId });
}

/** What of a command its operation is made of. */
export type Commanded = Pick<CommandEvent, "command" | "operationId" | "nowMs" | "request">;

export interface Beginning {
  readonly kind: InstanceOperationKind;
  readonly operationId: string;
  readonly requestId: string;
  readonly nowMs: number;
}

export function operationOf(instance: InstanceRecord, event: Beginning): OperationRecord {
  const { kind } = event;
  return {
    id: event.operationId,
    project: instance.project,
    noun: "instance",
    entityId: instance.id,
    toHost: null,
    kind,
    state: "running",
    percent: 0,
    step: "accepted",
    steps: [{ step: "accepted", atMs: event.nowMs }],
    requestId: event.requestId,
    startedAtMs: event.nowMs,
    deadlineAtMs: event.nowMs + allowedMs(instance, kind),
    endedAtMs: null,
    error: null,
  };
}

/** What a host may have to get or to make before an operation of this kind can end. */
const madeBy: Partial<Record<InstanceOperationKind, Made>> = {
  ...{ create: "disks", recover: "disks", evacuate: "disks", move: "disks", volumeAttach: "volumes" },
};

/** How long an operation of this kind may take, of an instance that is to stop in this way. */
export function allowedMs(
  instance: Pick<InstanceRecord, "stop" | "image" | "volumes" | "built">,
  kind: InstanceOperationKind,
): number {
  const ownMs = kind === "stop" || kind === "move" ? instance.stop.timeoutMs : 0;
  // A volume that was attached while the guest was down is made by the next start.
  const started = instance.built ? "volumes" : "disks";
  const made = kind === "start" ? started : madeBy[kind];
  const madeMs = made === undefined ? 0 : fetchAllowedMs(instance, made);
  return ownMs + madeMs + timeoutMsOf[kind] + lifeLimits.operationGraceMs;
}

export function cancelledBy(event: Pick<Commanded, "command">): ErrorBody {
  const message = `A later ${operationKindOf[event.command]} replaced this operation.`;
  return errorBodyOf({ reason: "cancelled", message });
}

/** The answer to a command, as it is given and as it is kept with its request id. */
export function commandAnswer(
  loaded: LoadedInstance,
  operation: OperationRecord,
  host: HostFacts | undefined,
): Changed {
  const row = { instance: loaded.instance, machine: currentMachine(loaded) };
  return { instance: instanceView(row, host), operation: operationView(operation) };
}
