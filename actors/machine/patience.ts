/**
 * How patient a machine is: with a process that dies again and again, and with work that failed but must not
 * be given up. Pure; every wait grows with the failures before it and has a maximum.
 */
import { limits } from "../../protocol/limits.ts";
import type { Moment } from "./messages.ts";
import type { Machine } from "./state.ts";

/** The guest is to be started again after a wait, or rests as a crash loop when that happened too often. */
export function countLoss(machine: Machine, at: Moment): Machine {
  const sinceMs = at.monotonicMs - limits.guestRestartWindowMs;
  const losses = [...machine.losses.filter((lossMs) => lossMs > sinceMs), at.monotonicMs];
  if (losses.length > limits.guestRestartsMax) {
    const message = `The guest's process died ${losses.length} times in a short while.`;
    const { generation } = machine.intent;
    const rest = { generation, state: "failed", reason: "crashLoop", message } as const;
    return { ...machine, losses, rest, lost: false };
  }
  const ms = backoffMs(losses.length, limits.guestRestartBackoffMsMin, limits.guestRestartBackoffMsMax);
  const id = machine.counter + 1;
  return { ...machine, losses, lost: true, counter: id, wait: { id, kind: "restart", ms } };
}

/** Holds all work for a while. */
export function retryLater(machine: Machine): Machine {
  const attempts = machine.attempts + 1;
  const ms = backoffMs(attempts, limits.machineRetryMsMin, limits.machineRetryMsMax);
  const id = machine.counter + 1;
  return { ...machine, attempts, counter: id, wait: { id, kind: "retry", ms } };
}

function backoffMs(attempt: number, minMs: number, maxMs: number): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(attempt - 1, 30));
}
