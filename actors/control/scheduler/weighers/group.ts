/**
 * The soft policies of server groups: members on a host attract the next one, or keep it away. One member
 * weighs one half; with the multiplier of 2 it counts as much as all of a host's memory being free.
 */
import { type GroupWeigher, saturating } from "./weigher.ts";

export const softAffinity: GroupWeigher = {
  name: "softAffinity",
  novaName: "soft_affinity",
  multiplier: 2,
  policy: "soft-affinity",
  weighCount: (members) => saturating(members, 1),
};

/** As in Nova, the multiplier is positive and the weight negative. */
export const softAntiAffinity: GroupWeigher = {
  name: "softAntiAffinity",
  novaName: "soft_anti_affinity",
  multiplier: 2,
  policy: "soft-anti-affinity",
  weighCount: (members) => 0 - saturating(members, 1),
};
