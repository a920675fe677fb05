/** The scheduler's verdicts about hosts, as the caller may read them. Pure. */
import type { HostVerdict } from "../../../protocol/instance.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { HostDirectory } from "./directory.ts";

/**
 * For operators only: the reason why a host is disabled, in the words of the operator who disabled it, and
 * what plug-ins say of the host (I12).
 */
export function verdictsFor(
  project: string,
  verdicts: readonly HostVerdict[],
  directory: Pick<HostDirectory, "get">,
): HostVerdict[] {
  if (project !== adminProject) return verdicts.map(({ facts: _, ...verdict }) => verdict);
  return verdicts.map((verdict) => {
    const { enabled = true } = verdict.filters;
    if (enabled === true) return verdict;
    const why = directory.get(verdict.hostId)?.disabledReason ?? "no reason was given";
    return { ...verdict, filters: { ...verdict.filters, enabled: `${enabled}: ${why}` } };
  });
}
