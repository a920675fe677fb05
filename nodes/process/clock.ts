/**
 * The real clock, and ids made from it: production's implementations of the ports Clock and Ids. Tests have
 * others.
 */
import { createIds } from "../../protocol/wire/ids.ts";
import type { Clock, Ids } from "../../protocol/wire/transport.ts";

/** The longest that setTimeout can wait; a longer wait is made of several. */
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

const makers = new Map<number, Ids>();

/**
 * The maker of a deployment's ids in this process: always the same one, so that all ids of the process are in
 * order. @throws RangeError when there is no such deployment
 */
export function systemIds(deployment: number): Ids {
  const known = makers.get(deployment);
  if (known !== undefined) return known;
  const entropy = (count: number) => crypto.getRandomValues(new Uint8Array(count));
  const made = createIds({ deployment, clock: systemClock, entropy });
  makers.set(deployment, made);
  return made;
}
