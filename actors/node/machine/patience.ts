/**
 * How patient a machine is: with a process that dies again and again, and with work that failed but must not
 * be given up. Pure; every wait grows with the failures before it, up to a maximum.
 */
import type { Loss } from "../../ports/hypervisor.ts";
import { machineLimits } from "./limits.ts";
import type { Moment } from "./messages.ts";
import type { Button, Machine, Rest, Trouble } from "./state.ts";

/** A loss whose cause nobody can tell. */
export const untold: Loss = { reason: "processLost", message: "" };

/** The process died by itself: follows the instance's recovery policy. */
export function afterLoss(machine: Machine, why: Loss, at: Moment): Machine {
  if (machine.spec.recovery === "restart") return countLoss(machine, why, at);
  return { ...machine, rest: leftDown(machine, why) };
}

/** The guest stays down until a user starts it, or, with the policy `wait`, until the host is back. */
export function leftDown(machine: Machine, { reason, message: why }: Trouble): Rest {
  const policy = machine.spec.recovery;
  const message = `The guest went down, and is left so: its recovery policy is ${policy}.`;
  const { generation } = machine.intent;
  return { generation, state: "failed", reason, message: inOrder(why, message) };
}

const inOrder = (...sentences: readonly string[]): string => sentences.filter((one) => one !== "").join(" ");

/** The guest is started again after a wait, or rests as a crash loop when its process died too often. */
export function countLoss(machine: Machine, why: Loss, at: Moment): Machine {
  const sinceMs = at.monotonicMs - machineLimits.guestRestartWindowMs;
  const losses = [...machine.losses.filter((lossMs) => lossMs > sinceMs), at.monotonicMs];
  if (losses.length > machineLimits.guestRestartsMax) {
    const often = `The guest's process died ${losses.length} times in a short while.`;
    const { generation } = machine.intent;
    const message = inOrder(often, why.message);
    const rest = { generation, state: "failed", reason: "crashLoop", message } as const;
    return { ...machine, losses, rest, lost: undefined };
  }
  const ms = backoffMs(
    losses.length,
    machineLimits.guestRestartBackoffMsMin,
    machineLimits.guestRestartBackoffMsMax,
  );
  const id = machine.counter + 1;
  return { ...machine, losses, lost: why, counter: id, wait: { id, kind: "restart", ms } };
}

/**
 * Holds all work for a while. There is only one timer: a machine that was waiting for the guest's answer
 * presses the button again afterwards, and waits for the rest of its time.
 */
export function retryLater(machine: Machine): Machine {
  const attempts = machine.attempts + 1;
  const ms = backoffMs(attempts, machineLimits.machineRetryMsMin, machineLimits.machineRetryMsMax);
  const id = machine.counter + 1;
  const button = machine.button?.kind === "pressed" ? againAfter(machine.button) : machine.button;
  return { ...machine, button, attempts, counter: id, wait: { id, kind: "retry", ms } };
}

const againAfter = ({ leftMs }: Button): Button => ({ kind: leftMs > 0 ? "again" : "expired", leftMs });

function backoffMs(attempt: number, minMs: number, maxMs: number): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(attempt - 1, 30));
}
