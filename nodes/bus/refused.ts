/**
 * Log lines of what a sender can cause: the first at once, the others as one line a period with their number,
 * so that no sender can fill the log. Nothing is kept of what was refused but the last one's fields.
 */
import type { Log } from "../../protocol/wire/transport.ts";
import { busLimits } from "./limits.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface Refused {
  /** Counts one refusal. */
  count(fields: Fields): void;
}

/** Calls `run` once after `ms`, and keeps no process alive for it. */
export type Later = (ms: number, run: () => void) => void;

/** One kind of refusal, that is one sentence in the log. */
export function countRefused(log: Log, message: string, later: Later = afterwards): Refused {
  let waiting = 0;
  let last: Fields = {};
  let counting = false;
  const tell = () => {
    counting = waiting > 0;
    if (!counting) return;
    log.warn({ ...last, times: waiting }, message);
    waiting = 0;
    later(busLimits.refusedPeriodMs, tell);
  };
  return {
    count(fields) {
      last = fields;
      waiting += 1;
      if (!counting) tell();
    },
  };
}

function afterwards(ms: number, run: () => void): void {
  const timer = setTimeout(run, ms);
  // Browsers have numbers for timers, which keep nothing alive.
  if (typeof timer === "object") timer.unref();
}
