/**
 * The use of projects, counted in two ways: the sums by which creates are judged, and the instances
 * themselves. Both change in the same transactions, so a difference is a bug of novact, and is reported as
 * such. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import { usedResources } from "../../../protocol/quota.ts";
import type { QuotaTotal } from "../../records/placement.ts";
import type { DoctorInput } from "./input.ts";

export function compareQuotas({ quotaTotals }: DoctorInput): Finding[] {
  return quotaTotals.flatMap((total) => {
    const differs = difference(total);
    if (differs === "") return [];
    return [
      {
        kind: "drift",
        subject: `project ${total.project}`,
        message: `Its quota and its instances differ: the quota has ${differs}.`,
        next: "Report it: one transaction writes both. Until then a limit above it makes up for it.",
      },
    ];
  });
}

/** `+1 instances, -512 memoryMib`: the quota's sum minus the instances'; empty when they agree. */
function difference({ used, counted }: QuotaTotal): string {
  const parts = usedResources.flatMap((unit) => {
    const more = used[unit] - counted[unit];
    return more === 0 ? [] : [`${more > 0 ? "+" : ""}${more} ${unit}`];
  });
  return parts.join(", ");
}
