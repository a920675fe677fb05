/**
 * What an operator says of a host with a number: the label `weight`, from -1 to 1. It takes the place of
 * Nova's metrics: whatever measures hosts can write it.
 */
import type { HostWeigher } from "./weigher.ts";

const label = "weight";

export const labelWeight: HostWeigher = {
  name: "label",
  novaName: "metrics",
  multiplier: 1,
  weigh: ({ labels }) => {
    const text = labels[label];
    if (text === undefined) return 0;
    const weight = Number(text);
    return Number.isNaN(weight) ? 0 : Math.min(1, Math.max(-1, weight));
  },
};
