/**
 * Limits how many guests of one host boot at once: a hundred boots together are slower than in turns, and
 * starve the running guests. First come, first served, one slot for each machine; stopping and deleting need
 * no slot.
 */
export interface Slots {
  /**
   * Resolves when a slot is free, with the function that gives it back (calling that again does nothing).
   * @throws AbortError
   */
  enter(signal: AbortSignal): Promise<() => void>;
  readonly waiting: number;
}

export function createSlots(slotsMax: number): Slots {
  const queue = new Set<() => void>();
  let taken = 0;
  const leave = () => {
    taken -= 1;
    const [first] = queue;
    if (first !== undefined) first();
  };
  const occupy = () => {
    taken += 1;
    let left = false;
    return () => {
      if (!left) leave();
      left = true;
    };
  };
  return {
    get waiting() {
      return queue.size;
    },
    enter(signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (taken < slotsMax) return Promise.resolve(occupy());
      return new Promise((resolve, reject) => {
        const giveUp = () => {
          queue.delete(proceed);
          reject(signal.reason);
        };
        const proceed = () => {
          queue.delete(proceed);
          signal.removeEventListener("abort", giveUp);
          resolve(occupy());
        };
        queue.add(proceed);
        signal.addEventListener("abort", giveUp, { once: true });
      });
    },
  };
}
