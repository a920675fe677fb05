/** Machines in every situation, and the small requests the specs are made of. */
import { decide } from "../../../../actors/node/machine/decide.ts";
import { noLease } from "../../../../actors/node/machine/lease.ts";
import type {
  EnsureRequest,
  MachineEvent,
  Moment,
  Outcome,
} from "../../../../actors/node/machine/messages.ts";
import type { Machine, MachineState } from "../../../../actors/node/machine/state.ts";
import type { MachineIntent, MachineSpec } from "../../../../protocol/machine.ts";

export const at = (monotonicMs = 1_000, lease = noLease): Moment => ({
  wallMs: 1_700_000_000_000 + monotonicMs,
  monotonicMs,
  lease,
});

export const spec = (changes: Partial<MachineSpec> = {}): MachineSpec => ({
  instanceId: "i1",
  project: "demo",
  name: "web",
  ownerEpoch: 1,
  architecture: "x86_64",
  vcpus: 1,
  memoryMib: 64,
  diskGib: 1,
  image: {
    id: "img",
    disk: null,
    kernel: { sha256: "0".repeat(64), sizeBytes: 1 },
    ramdisk: null,
    commandLine: "",
  },
  macAddress: "52:54:00:00:00:01",
  fence: false,
  storageId: null,
  takesOverDisk: false,
  recovery: "restart",
  machineType: null,
  numa: null,
  ...changes,
});

export const intent = (changes: Partial<MachineIntent> = {}): MachineIntent => ({
  generation: 1,
  power: "running",
  stop: { mode: "graceful", timeoutMs: 60_000 },
  resetCount: 0,
  resetMode: "soft",
  startCount: 1,
  keepDisk: false,
  ...changes,
});

export const ensure = (
  changes: Partial<MachineIntent> = {},
  more: { ownerEpoch?: number; observedGeneration?: number; instanceId?: string } = {},
): EnsureRequest => ({
  spec: spec({ ownerEpoch: more.ownerEpoch ?? 1, instanceId: more.instanceId ?? "i1" }),
  intent: intent(changes),
  observedGeneration: more.observedGeneration ?? 0,
  leaseEpoch: 0,
});

export const ensured = (...parameters: Parameters<typeof ensure>): MachineEvent => ({
  kind: "ensure",
  request: ensure(...parameters),
  at: at(),
});

export const blank: MachineState = { kind: "blank", guest: undefined };

export function known(state: MachineState): Machine {
  if (state.kind !== "known") throw new Error("the machine is blank");
  return state;
}

/** The machine after these events, from nothing. */
export function machineAfter(...events: readonly MachineEvent[]): Machine {
  let state = blank;
  for (const event of events) state = decide(state, event).next;
  return known(state);
}

export const following = (state: MachineState, ...events: readonly MachineEvent[]): Machine => {
  let next = state;
  for (const event of events) next = decide(next, event).next;
  return known(next);
};

export const guest = (
  event: Extract<MachineEvent, { kind: "guest" }>["event"],
  ms?: number,
): MachineEvent => ({
  kind: "guest",
  event,
  at: at(ms),
});

export const booted: Outcome = { kind: "done", guest: { ownerEpoch: 1, status: "running", startedAtMs: 5 } };
export const done: Outcome = { kind: "done" };
export const aborted: Outcome = { kind: "aborted" };
export const failed = (reason: "diskFull" | "hypervisorRefused" | "internal"): Outcome => ({
  kind: "failed",
  reason,
  message: "It did not work.",
});

/** Ends the work under way with this outcome. */
export function settle(state: MachineState, outcome: Outcome): Machine {
  const { work } = known(state);
  if (work === undefined) throw new Error("no work is under way");
  return following(state, { kind: "settled", workId: work.id, outcome, at: at() });
}

export function prepared(state: MachineState): Machine {
  const { work } = known(state);
  return following(state, { kind: "prepared", workId: work?.id ?? -1, at: at() });
}

export function fire(state: MachineState): Machine {
  const { wait } = known(state);
  if (wait === undefined) throw new Error("no timer runs");
  return following(state, { kind: "timer", timerId: wait.id, at: at() });
}

/** Lets the guest ignore its power button, however often it is pressed. */
export function unanswered(pressed: MachineState): Machine {
  let machine = fire(pressed);
  while (machine.work?.kind === "press") machine = fire(settle(machine, done));
  return machine;
}

/** One of each situation a machine can be in. */
export function situations(): Readonly<Record<string, MachineState>> {
  const preparing = machineAfter(ensured());
  const starting = prepared(preparing);
  const running = settle(starting, booted);
  const pausing = following(running, ensured({ generation: 2, power: "paused" }));
  const paused = settle(pausing, done);
  const pressing = following(running, ensured({ generation: 2, power: "stopped" }));
  const pressed = settle(pressing, done);
  const halting = unanswered(pressed);
  const stopped = settle(halting, done);
  const deleting = following(running, ensured({ generation: 2, power: "deleted" }));
  const releasing = settle(deleting, done);
  const clearingFailed = settle(starting, failed("hypervisorRefused"));
  return {
    blank,
    preparing,
    starting,
    abortingBoot: following(starting, ensured({ generation: 2, power: "stopped" })),
    running,
    pausing,
    paused,
    resuming: following(paused, ensured({ generation: 3 })),
    softReset: following(running, ensured({ generation: 2, resetCount: 1 })),
    softResetPressed: settle(following(running, ensured({ generation: 2, resetCount: 1 })), done),
    hardReset: following(running, ensured({ generation: 2, resetCount: 1, resetMode: "hard" })),
    pressing,
    pressed,
    halting,
    stopped,
    deleting,
    releasing,
    gone: settle(releasing, done),
    clearingFailed,
    failed: settle(clearingFailed, done),
    lost: following(running, guest("lost")),
    waitingForRestart: settle(following(running, guest("lost")), done),
    shutDown: settle(following(running, guest("shutdown")), done),
    panicked: settle(following(running, guest("panicked")), done),
    haltRefused: settle(halting, failed("hypervisorRefused")),
    succeeding: following(running, ensured({ generation: 2 }, { ownerEpoch: 2 })),
    hostStopping: following(running, { kind: "hostStopping", graceMs: 10_000, at: at() }),
  };
}
