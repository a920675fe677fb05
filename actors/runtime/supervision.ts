/**
 * What a supervisor does about a crash: wait longer and longer, and give up after too many in too short a
 * time. Pure: the history and the time come in, the verdict goes out. It must never look at a clock.
 */
import { actorLimits } from "./limits.ts";

export interface Verdict {
  /** Times of the crashes inside the window, the present one included. */
  readonly crashes: readonly number[];
  /** How long to wait before the next incarnation; undefined: the supervisor gives up. */
  readonly backoffMs: number | undefined;
}

/** Judges a crash at `atMs`, given the times of those before it. */
export function judgeCrash(before: readonly number[], atMs: number): Verdict {
  const crashes = [...before.filter((time) => atMs - time < actorLimits.restartWindowMs), atMs];
  if (crashes.length > actorLimits.restartsMax) return { crashes, backoffMs: undefined };
  const backoffMs = actorLimits.restartBackoffMsMin * 2 ** (crashes.length - 1);
  return { crashes, backoffMs: Math.min(backoffMs, actorLimits.restartBackoffMsMax) };
}
