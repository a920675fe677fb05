/** Spreads: prefers hosts that keep the largest part of their CPUs free. */
import { freeShare, type Weigher } from "./weigher.ts";

export const freeCpu: Weigher = {
  name: "freeCpu",
  weigh: ({ capacity, claimed }, request) => freeShare(capacity.vcpus, claimed.vcpus, request.vcpus),
};
