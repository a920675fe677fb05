/** Spreads: prefers hosts that keep the largest part of their memory free. */
import { freeShare, type Weigher } from "./weigher.ts";

export const freeRam: Weigher = {
  name: "freeRam",
  weigh: ({ capacity, claimed }, request) =>
    freeShare(capacity.memoryMib, claimed.memoryMib, request.memoryMib),
};
