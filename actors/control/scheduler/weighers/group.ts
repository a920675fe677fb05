/**
 * The soft policies of server groups: more members on a host draw the next one, or keep it away. One member
 * is one half; with the multiplier of 2 it counts as much as a host that is all free counts for its memory.
 */
import { type GroupWeigher, saturating } from "./weigher.ts";

export const softAffinity: GroupWeigher = {
  name: "softAffinity",
  novaName: "soft_affinity",
  multiplier: 2,
  policy: "soft-affinity",
  weighCount: (members) => saturating(members, 1),
};

/** As in Nova the multiplier is above 0 and the weight below. */
export const softAntiAffinity: GroupWeigher = {
  name: "softAntiAffinity",
  novaName: "soft_anti_affinity",
  multiplier: 2,
  policy: "soft-anti-affinity",
  weighCount: (members) => 0 - saturating(members, 1),
};
