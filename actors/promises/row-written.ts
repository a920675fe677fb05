/** What a change makes of a row of a resource, for checkers that keep rows themselves. Pure. */
import type { ResourceRow } from "../../protocol/wire/resource.ts";
import type { RowChange } from "../records/rows.ts";

export const changedId = (change: RowChange): string =>
  "removed" in change
    ? change.removed
    : "patched" in change
      ? change.patched
      : "made" in change
        ? change.made.id
        : change.changed.id;

/** `before`: as it was. Undefined: it is removed, or only a part is known of what was never seen. */
export function rowAfter(change: RowChange, before?: ResourceRow): ResourceRow | undefined {
  if ("made" in change) return change.made;
  if ("changed" in change) return change.changed;
  if ("removed" in change || before === undefined) return undefined;
  return { ...before, ...change.set, version: before.version + 1 };
}
