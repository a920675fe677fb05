/** Spreads: prefers hosts that keep the largest part of their memory, CPUs or disk free. */
import type { Amounts } from "../messages.ts";
import type { Weigher } from "./weigher.ts";

/** The part of the whole that would still be free afterwards, 0 to 1. */
const freeShare = (
  names: Pick<Weigher, "name" | "novaName">,
  amount: keyof Amounts,
  multiplier: number,
): Weigher => ({
  ...names,
  multiplier,
  prepare: (request) => {
    const asked = request[amount];
    return ({ capacity, claimed }) => {
      const whole = capacity[amount];
      if (whole <= 0) return 0;
      const share = (whole - claimed[amount] - asked) / whole;
      return share < 0 ? 0 : share > 1 ? 1 : share;
    };
  },
});

export const freeRam = freeShare({ name: "freeRam", novaName: "ram" }, "memoryMib", 1);
export const freeCpu = freeShare({ name: "freeCpu", novaName: "cpu" }, "vcpus", 1);
/** Off unless it is asked for: overlays take little of the disk that they are promised. */
export const freeDisk = freeShare({ name: "freeDisk", novaName: "disk" }, "diskGib", 0);
