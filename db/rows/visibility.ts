/**
 * Which rows of a resource with a visibility a project sees beside its own, in words that both stores carry
 * out: the values with which everybody does, and what a member has said to being one. Pure.
 */
import type { Among } from "../../actors/ports/row-reads.ts";
import type { Resource } from "../../protocol/wire/resource.ts";

type Visibility = NonNullable<Resource["visibility"]>;

export interface Seen {
  /** False: the project's own rows are not meant. */
  readonly own: boolean;
  readonly open: readonly string[];
  /** Absent: whatever the member said. */
  readonly said?: readonly string[];
}

export function seenOf({ listed, named, members }: Visibility, among: Among | undefined): Seen {
  if (among === undefined) return { own: true, open: listed, said: members.listed };
  if (among === "named") return { own: true, open: named };
  return { own: false, open: [], said: among };
}
