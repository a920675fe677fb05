/**
 * The real clock, and ids from it. Production's implementations of the ports Clock and Ids; the tests have
 * others.
 */
import { uuidv7 } from "uuidv7";
import type { Clock, Ids } from "../../protocol/wire/transport.ts";

/** The longest that setTimeout can wait; longer waits are made of several. */
const timerMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (ms, run) => {
    let timer: NodeJS.Timeout;
    const wait = (left: number): void => {
      const next = Math.min(left, timerMsMax);
      timer = setTimeout(() => (left > next ? wait(left - next) : run()), Math.max(0, next));
    };
    wait(ms);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** UUIDs of version 7: ordered by time, and within one process also inside a millisecond. */
export const systemIds: Ids = { next: () => uuidv7() };
