/**
 * The bandwidth limits of a port, as asked for and as kept: a burst that nobody named is chosen once. Pure.
 */
import { networkLimits } from "../../../protocol/limits/network.ts";
import type { Bandwidth, BandwidthAsked, BandwidthLimit } from "../../../protocol/port.ts";

type Asked = NonNullable<BandwidthAsked["ingress"]>;

/** Null: neither direction has a limit. A direction that is not asked for stays as it was. */
export function bandwidthOf(asked: BandwidthAsked = {}, before: Bandwidth | null): Bandwidth | null {
  const { ingress, egress } = asked;
  const after = {
    ingress: ingress === undefined ? (before?.ingress ?? null) : limitOf(ingress),
    egress: egress === undefined ? (before?.egress ?? null) : limitOf(egress),
  };
  return after.ingress === null && after.egress === null ? null : after;
}

/** Whether a direction gets a limit that it did not have as it is now. */
export const limitsMore = (before: Bandwidth | null, after: Bandwidth | null): boolean =>
  (["ingress", "egress"] as const).some((direction) => {
    const [had, has] = [before?.[direction], after?.[direction] ?? null];
    if (has === null) return false;
    return had?.kilobitsPerSecond !== has.kilobitsPerSecond || had.burstKilobits !== has.burstKilobits;
  });

/** Of a tenth of a second: a program that waited for an answer is not held up by its own next packet. */
const burstsPerSecond = 10;

function limitOf(asked: Asked | null): BandwidthLimit | null {
  if (asked === null) return null;
  const { kilobitsPerSecond, burstKilobits } = asked;
  const { burstKilobitsMin, burstKilobitsMax } = networkLimits;
  const usual = Math.ceil(kilobitsPerSecond / burstsPerSecond);
  return {
    kilobitsPerSecond,
    burstKilobits: burstKilobits ?? Math.min(Math.max(usual, burstKilobitsMin), burstKilobitsMax),
  };
}
