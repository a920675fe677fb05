/**
 * Which of the computer's cgroups guests are given: all that are of use, unless an operator, or a spec that
 * compares, says otherwise by the environment variable NOVACT_CGROUPS.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Hierarchy } from "./hierarchies.ts";

interface Wanted {
  readonly hierarchies: readonly Hierarchy[];
  /** Why they are not all. Absent: they are. */
  readonly because?: string;
}

/**
 * `none`: none. `v1`: those of version 1, which bound and cannot freeze. Absent or empty: all.
 * @throws StatusError hypervisorRefused for another word
 */
export function wantedHierarchies(word: string | undefined, read: () => readonly Hierarchy[]): Wanted {
  if (word === undefined || word === "") return { hierarchies: read() };
  const because = `NOVACT_CGROUPS is ${word}`;
  if (word === "none") return { hierarchies: [], because };
  if (word === "v1") return { hierarchies: read().filter(({ version }) => version === 1), because };
  throw new StatusError("hypervisorRefused", `NOVACT_CGROUPS is ${word}: it may be none or v1, or absent.`);
}
