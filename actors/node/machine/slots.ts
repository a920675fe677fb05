/**
 * How many guests of one host boot at once: a hundred boots together are slower than in turns, and starve the
 * running guests. First come, first served, one place for each machine; stopping and deleting never queue
 * here.
 */
export interface Slots {
  /**
   * Resolves when there is room, with the function that leaves again (once; later calls do nothing). @throws
   * AbortError
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
