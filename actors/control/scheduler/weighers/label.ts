/**
 * An operator's number for a host: the label `weight`, from -1 to 1. It replaces Nova's metrics weigher: any
 * program that measures hosts can write it.
 */
import type { HostWeigher } from "./weigher.ts";

export const weightLabel = "weight";

export const labelWeight: HostWeigher = {
  name: "label",
  novaName: "metrics",
  multiplier: 1,
  weigh: ({ labels }) => {
    const text = labels[weightLabel];
    if (text === undefined) return 0;
    const weight = Number(text);
    return Number.isNaN(weight) ? 0 : Math.min(1, Math.max(-1, weight));
  },
};
