/** Limits in a quota's row. Those for resources of plug-ins have a dot in their names. Pure. */
import type { QuotaChange, QuotaRecord } from "../../actors/records/placement.ts";

/** Nothing when none is set. */
export function extensionLimitsIn(
  limits: Readonly<Record<string, unknown>>,
): Pick<QuotaRecord, "extensions"> {
  const set = Object.entries(limits).filter(([name, limit]) => name.includes(".") && limit !== null);
  return set.length === 0 ? {} : { extensions: Object.fromEntries(set) as Record<string, number> };
}

/** Every limit that is given, by its name, as a quota's row keeps them. */
export const limitsGiven = ({
  project: _,
  extensions = {},
  ...given
}: QuotaChange): Readonly<Record<string, number | null>> => ({ ...extensions, ...given });
