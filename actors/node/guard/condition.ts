/**
 * What the states of a process's threads say of the process: whether it runs, is stopped, or is gone. Pure:
 * the guard, the drivers and the simulated guests judge by the same rule. It must never call a process
 * stopped or gone while one of its threads can still write.
 */

export type ProcessCondition = "running" | "stopped" | "gone";

/** A thread that has ended: a zombie, or on its way out of the process table. */
const hasEnded = (state: string): boolean => /^[ZXx]$/.test(state);

/**
 * `states`: one letter a thread, as in /proc/PID/task/TID/stat, the first thread (the leader) among them;
 * none: there is no such process. A thread that waits in the kernel for a storage (D) is not stopped, though
 * it has the signal: it goes on into its system call first. A leader that has ended says nothing of the
 * others.
 */
export function conditionOf(states: readonly string[]): ProcessCondition {
  const living = states.filter((state) => !hasEnded(state));
  if (living.length === 0) return "gone";
  return living.every((state) => /^[Tt]$/.test(state)) ? "stopped" : "running";
}
