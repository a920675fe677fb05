/**
 * What can be: the states of an instance, what a user may ask for, what a machine may be seen doing,
 * and the one function that makes a user's state out of the last two.
 *
 *            create                         stop              delete (from any state)
 *   (none) ────────▶ building ──▶ running ◀──────▶ stopped   ─────────▶ deleting ──▶ deleted
 *                        │          ▲  ▲ ▲  start
 *                        ▼          │  │ └── rebooting
 *                      failed ──────┘  └──── paused (pause / unpause)
 *
 * Passing states (-ing) have an operation with a deadline (I6). `unknown` is honest: the host is silent.
 * Pure: no clock, no I/O.
 */

/** What a user may want an instance to be. */
export const desiredPowers = ["running", "paused", "stopped", "deleted"] as const;
export type DesiredPower = (typeof desiredPowers)[number];

/**
 * What a machine (one guest on its host) is seen doing. `gone`: no process, no disk, no file is left of it.
 */
export const machineStates = [
  "preparing",
  "starting",
  "running",
  "paused",
  "stopping",
  "stopped",
  "failed",
  "gone",
] as const;
export type MachineState = (typeof machineStates)[number];

export const instanceStates = [
  "building",
  "starting",
  "running",
  "rebooting",
  "pausing",
  "paused",
  "unpausing",
  "stopping",
  "stopped",
  "failed",
  "unknown",
  "deleting",
  "deleted",
] as const;
export type InstanceState = (typeof instanceStates)[number];

/** Its user's commands. Each has a cell for every state in actors/control/instance/admission.ts. */
const instanceCommands = ["start", "stop", "reboot", "pause", "unpause", "delete"] as const;

/**
 * `recover` is nobody's command: the host was fenced, and the guest starts elsewhere. `evacuate` is the same,
 * asked for by an operator. `move`: its host is drained, and it goes on elsewhere.
 */
export const operationKinds = ["create", ...instanceCommands, "recover", "evacuate", "move"] as const;
export type OperationKind = (typeof operationKinds)[number];

export const operationStates = ["running", "done", "failed", "cancelled"] as const;
export type OperationState = (typeof operationStates)[number];

/** Why a machine is in its state, when that is not what was asked for. */
export const machineReasons = [
  "requested",
  "guestShutdown",
  "guestPanic",
  "processLost",
  "hostShutdown",
  "guestFailed",
  "diskFull",
  "imageMissing",
  "hypervisorRefused",
  "crashLoop",
  "leaseLost",
  "diskMissing",
] as const;
export type MachineReason = (typeof machineReasons)[number];

/**
 * What becomes of an instance that goes down without being asked. `restart`: it starts again where it is when
 * its process died, and on another host when its own is lost, its disk can be opened there, and the lost host
 * is proved not to write to it any more. `wait`: it starts again when its host does, and only then. `leave`:
 * it stays down until its user starts it.
 */
export const recoveryPolicies = ["restart", "wait", "leave"] as const;
export type RecoveryPolicy = (typeof recoveryPolicies)[number];

/** The part of an intent that a state is made of. */
export interface IntentFacts {
  readonly desired: DesiredPower;
  /** Raised by every accepted command. */
  readonly generation: number;
  /** How many resets were asked for, all in all: a reboot raises it, the machine follows. */
  readonly resetCount: number;
  /** False until a guest of this instance was seen running once. */
  readonly built: boolean;
  /** A host owns it: what is not yet reported from there may still be on its way. */
  readonly placed: boolean;
  /** Set when the controller gave up; cleared by the next accepted command. */
  readonly failed: boolean;
  /** Set when everything is gone after a delete. */
  readonly deleted: boolean;
}

export interface ObservationFacts {
  readonly state: MachineState;
  /** The intent's generation that the machine acted on last. */
  readonly intentGeneration: number;
  readonly resetCount: number;
}

/**
 * The state a user sees. `hostAlive` is false when the owning host has been silent for longer than its lease.
 */
export function externalState(
  intent: IntentFacts,
  seen: ObservationFacts | undefined,
  hostAlive = true,
): InstanceState {
  if (intent.deleted) return "deleted";
  if (intent.desired === "deleted") return "deleting";
  if (intent.failed) return "failed";
  if (!hostAlive && seen !== undefined) return "unknown";
  const state = seen?.state;
  if (state === "failed" && seen?.intentGeneration === intent.generation) return "failed";
  switch (intent.desired) {
    case "running":
      return wantedRunning(intent, seen);
    case "paused":
      if (state === "paused") return "paused";
      return state === "running" ? "pausing" : wantedRunning(intent, seen);
    case "stopped":
      if (seen === undefined) return intent.placed ? "stopping" : "stopped";
      return isDown(state) ? "stopped" : "stopping";
  }
}

function wantedRunning(intent: IntentFacts, seen: ObservationFacts | undefined): InstanceState {
  if (!intent.built) return "building";
  if (seen === undefined) return "starting";
  if (seen.state === "paused") return "unpausing";
  if (seen.resetCount < intent.resetCount) return "rebooting";
  return seen.state === "running" ? "running" : "starting";
}

/** No process of the guest exists. */
export function isDown(state: MachineState | undefined): boolean {
  return state === undefined || state === "stopped" || state === "failed" || state === "gone";
}

/** Nothing is left to do: the machine is what the intent asks for. */
export function isSettled(intent: IntentFacts, seen: ObservationFacts | undefined): boolean {
  if (intent.desired === "deleted") return intent.deleted;
  // A build that was given up waits for its user. What has run once is still brought to where it was asked to
  // be.
  if (intent.failed && !intent.built) return true;
  if (seen === undefined) return intent.desired === "stopped" && !intent.placed;
  if (seen.intentGeneration !== intent.generation) return false;
  if (seen.state === "failed") return true;
  if (intent.desired === "stopped") return seen.state === "stopped";
  return seen.state === intent.desired && seen.resetCount === intent.resetCount;
}
