/** What hosts say to an instance, as the one who asks may read it. Pure. */
import type { HostVerdict } from "../../../protocol/instance.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { HostDirectory } from "./directory.ts";

/** Operators hear why a host is disabled, in the words of the one who did it; nobody else does (I12). */
export function verdictsFor(
  project: string,
  verdicts: readonly HostVerdict[],
  directory: Pick<HostDirectory, "get">,
): HostVerdict[] {
  if (project !== adminProject) return [...verdicts];
  return verdicts.map((verdict) => {
    const { enabled = true } = verdict.filters;
    if (enabled === true) return verdict;
    const why = directory.get(verdict.hostId)?.disabledReason ?? "no reason was given";
    return { ...verdict, filters: { ...verdict.filters, enabled: `${enabled}: ${why}` } };
  });
}
