/**
 * All states: an instance's states, the power states that a user may ask for, the states of a machine that a
 * host observes, and the one function that computes the first from the other two.
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

/** The power states that a user may ask for. */
export const desiredPowers = ["running", "paused", "stopped", "deleted"] as const;
export type DesiredPower = (typeof desiredPowers)[number];

/**
 * The observed states of a machine (one guest on its host). `gone`: no process, disk or file of the machine
 * is left.
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

/**
 * The commands of an instance's user. actors/control/instance/admission.ts has an admission for each of them
 * in every state.
 */
const instanceCommands = ["start", "stop", "reboot", "pause", "unpause", "delete"] as const;

/**
 * `recover` is no user's command: the host was fenced, and the guest starts on another host. `evacuate` is
 * the same, asked for by an operator. `move`: the host is being drained, and the guest goes on on another
 * host.
 */
const instanceOperationKinds = [
  "create",
  ...instanceCommands,
  "recover",
  "evacuate",
  "move",
  "interfaceAttach",
  "interfaceDetach",
  "volumeAttach",
  "volumeDetach",
  "volumeExtend",
] as const;
export type InstanceOperationKind = (typeof instanceOperationKinds)[number];

/**
 * The commands of operators that take their time. `drain` ends when nothing is on the host any more, or when
 * what is left stays; `fence` when a proof that the host is off has ended its host lease.
 */
const hostOperationKinds = ["drain", "fence"] as const;

/** `imageCreate`: an image is made of an instance's root disk. */
const imageOperationKinds = ["imageCreate"] as const;

export const operationKinds = [
  ...instanceOperationKinds,
  ...hostOperationKinds,
  ...imageOperationKinds,
] as const;
export type OperationKind = (typeof operationKinds)[number];

/** The nouns that have operations. */
export const operationNouns = ["instance", "host", "image"] as const;
export type OperationNoun = (typeof operationNouns)[number];

export const operationStates = ["running", "done", "failed", "cancelled"] as const;
export type OperationState = (typeof operationStates)[number];

/**
 * Why a guest's process ended by itself. `memoryExceeded`, `processesExceeded`, `fileExceeded`: the process
 * wanted more than its bound, of memory, of processes and threads, in one file. `hostMemoryShort`: its host
 * had no memory left. `processLost`: the host cannot tell.
 */
const lossReasons = [
  "processLost",
  "memoryExceeded",
  "processesExceeded",
  "fileExceeded",
  "hostMemoryShort",
] as const;
export type LossReason = (typeof lossReasons)[number];

export const isLossReason = (reason: string): reason is LossReason =>
  lossReasons.some((known) => known === reason);

/** Why a machine is in its state, when the state is not the one that was asked for. */
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
  "memoryExceeded",
  "processesExceeded",
  "fileExceeded",
  "hostMemoryShort",
] as const;
export type MachineReason = (typeof machineReasons)[number];

/**
 * What happens to an instance whose guest goes down without being asked to. `restart`: the guest starts again
 * on its host when only its process died, and on another host when its own is lost, its disk can be opened
 * there, and the lost host is proved not to write to that disk any more. `wait`: the guest starts again only
 * when its host does. `leave`: the guest stays down until its user starts it.
 */
export const recoveryPolicies = ["restart", "wait", "leave"] as const;
export type RecoveryPolicy = (typeof recoveryPolicies)[number];

/** The fields of an instance's intent from which its external state is computed. */
export interface IntentFacts {
  readonly desired: DesiredPower;
  /** Raised by every accepted command. */
  readonly generation: number;
  /** Resets asked for since the instance was created. A reboot raises the number, and the machine follows. */
  readonly resetCount: number;
  /** False until a guest of this instance has been seen running once. */
  readonly built: boolean;
  /** A host owns the instance: without an observation, its first report may still be on its way. */
  readonly placed: boolean;
  /** Set when the controller gave up on the last command; cleared by the next accepted command. */
  readonly failed: boolean;
  /** Set when nothing of the instance is left after a delete. */
  readonly deleted: boolean;
}

export interface ObservationFacts {
  readonly state: MachineState;
  /** The generation of the intent that the machine acted on last. */
  readonly intentGeneration: number;
  readonly resetCount: number;
}

/**
 * The state a user sees. `hostAlive` is false when the owning host has been silent for longer than
 * leaseLimits.hostSilentMs.
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

/** True when nothing is left to do: the machine is in the state that the intent asks for. */
export function isSettled(intent: IntentFacts, seen: ObservationFacts | undefined): boolean {
  if (intent.desired === "deleted") return intent.deleted;
  // A build that was given up waits for its user. An instance that has run once is still brought to the state
  // that was asked for.
  if (intent.failed && !intent.built) return true;
  if (seen === undefined) return intent.desired === "stopped" && !intent.placed;
  if (seen.intentGeneration !== intent.generation) return false;
  if (seen.state === "failed") return true;
  if (intent.desired === "stopped") return seen.state === "stopped";
  return seen.state === intent.desired && seen.resetCount === intent.resetCount;
}
