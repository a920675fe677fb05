/**
 * Whether a command is accepted in a state. A total table: it does not compile without an admission for each
 * pair.
 *
 * A newer intent replaces an older one at any time (hosts are level-triggered), so almost every command is
 * accepted; denied are only commands that make no sense in the state. Pure data: no clock, no I/O.
 */
import type { InstanceOperationKind, InstanceState } from "../../../protocol/states.ts";
import { type Admission, deny, go, ignore } from "../../runtime/decision.ts";

/**
 * The table's commands: the hard kinds are commands of their own, because they may overtake the gentle ones.
 */
export const admissionCommands = [
  "start",
  "stop",
  "stopHard",
  "reboot",
  "rebootHard",
  "pause",
  "unpause",
  "delete",
  "evacuate",
] as const;
export type AdmissionCommand = (typeof admissionCommands)[number];

export const admission = {
  building: {
    start: ignore,
    stop: go,
    stopHard: go,
    reboot: deny("building"),
    rebootHard: deny("building"),
    pause: deny("building"),
    unpause: deny("building"),
    delete: go,
    evacuate: go,
  },
  starting: {
    start: ignore,
    stop: go,
    stopHard: go,
    reboot: deny("notRunning"),
    rebootHard: deny("notRunning"),
    pause: deny("notRunning"),
    unpause: deny("notPaused"),
    delete: go,
    evacuate: go,
  },
  running: {
    start: ignore,
    stop: go,
    stopHard: go,
    reboot: go,
    rebootHard: go,
    pause: go,
    unpause: ignore,
    delete: go,
    evacuate: go,
  },
  rebooting: {
    start: ignore,
    stop: go,
    stopHard: go,
    reboot: ignore,
    rebootHard: go,
    pause: deny("notRunning"),
    unpause: ignore,
    delete: go,
    evacuate: go,
  },
  pausing: {
    start: deny("pausedNow"),
    stop: go,
    stopHard: go,
    reboot: deny("pausedNow"),
    rebootHard: deny("pausedNow"),
    pause: ignore,
    unpause: go,
    delete: go,
    evacuate: go,
  },
  paused: {
    start: deny("pausedNow"),
    stop: go,
    stopHard: go,
    reboot: deny("pausedNow"),
    rebootHard: deny("pausedNow"),
    pause: ignore,
    unpause: go,
    delete: go,
    evacuate: go,
  },
  unpausing: {
    start: ignore,
    stop: go,
    stopHard: go,
    reboot: deny("notRunning"),
    rebootHard: deny("notRunning"),
    pause: go,
    unpause: ignore,
    delete: go,
    evacuate: go,
  },
  stopping: {
    start: go,
    stop: ignore,
    stopHard: go,
    reboot: deny("stopPending"),
    rebootHard: deny("stopPending"),
    pause: deny("stopPending"),
    unpause: deny("stopPending"),
    delete: go,
    evacuate: go,
  },
  stopped: {
    start: go,
    stop: ignore,
    stopHard: ignore,
    reboot: deny("notRunning"),
    rebootHard: deny("notRunning"),
    pause: deny("notRunning"),
    unpause: deny("notPaused"),
    delete: go,
    evacuate: go,
  },
  failed: {
    start: go,
    stop: go,
    stopHard: go,
    reboot: deny("failedNow"),
    rebootHard: deny("failedNow"),
    pause: deny("failedNow"),
    unpause: deny("failedNow"),
    delete: go,
    evacuate: go,
  },
  unknown: {
    start: go,
    stop: go,
    stopHard: go,
    reboot: deny("hostUnreachable"),
    rebootHard: deny("hostUnreachable"),
    pause: deny("hostUnreachable"),
    unpause: deny("hostUnreachable"),
    delete: go,
    evacuate: go,
  },
  deleting: {
    start: deny("beingDeleted"),
    stop: deny("beingDeleted"),
    stopHard: deny("beingDeleted"),
    reboot: deny("beingDeleted"),
    rebootHard: deny("beingDeleted"),
    pause: deny("beingDeleted"),
    unpause: deny("beingDeleted"),
    delete: ignore,
    evacuate: deny("beingDeleted"),
  },
  deleted: {
    start: deny("instanceNotFound"),
    stop: deny("instanceNotFound"),
    stopHard: deny("instanceNotFound"),
    reboot: deny("instanceNotFound"),
    rebootHard: deny("instanceNotFound"),
    pause: deny("instanceNotFound"),
    unpause: deny("instanceNotFound"),
    delete: deny("instanceNotFound"),
    evacuate: deny("instanceNotFound"),
  },
} as const satisfies Record<InstanceState, Record<AdmissionCommand, Admission>>;

export function admit(state: InstanceState, command: AdmissionCommand): Admission {
  return admission[state][command];
}

/** The kind of operation that a command is recorded as. */
export const operationKindOf = {
  start: "start",
  stop: "stop",
  stopHard: "stop",
  reboot: "reboot",
  rebootHard: "reboot",
  pause: "pause",
  unpause: "unpause",
  delete: "delete",
  evacuate: "evacuate",
} as const satisfies Record<AdmissionCommand, InstanceOperationKind>;
