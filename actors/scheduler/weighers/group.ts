/**
 * The soft policies of server groups: more members on a host draw the next one, or keep it away. One member
 * is one half; with the multiplier of 2 it counts as much as a host that is all free counts for its memory.
 */
import { saturating, type Weigher } from "./weigher.ts";

export const softAffinity: Weigher = {
  name: "softAffinity",
  novaName: "soft_affinity",
  multiplier: 2,
  prepare: ({ group }, members) =>
    group?.policy === "soft-affinity" ? (host) => saturating(members.get(host.id) ?? 0, 1) : undefined,
};

/** In Nova the multiplier is above 0 and the weight below: here the weight is below 0, too. */
export const softAntiAffinity: Weigher = {
  name: "softAntiAffinity",
  novaName: "soft_anti_affinity",
  multiplier: 2,
  prepare: ({ group }, members) =>
    group?.policy === "soft-anti-affinity"
      ? (host) => 0 - saturating(members.get(host.id) ?? 0, 1)
      : undefined,
};
