/**
 * The rows of resources as requests see them: named by an id or a name, within what the caller owns, and
 * shown without what is kept for the store only. It decides nothing.
 */
import {
  nounInWords,
  type Resource,
  type ResourceRow,
  type RowOf,
  type ShownOf,
} from "../../../protocol/wire/resource.ts";
import type { CallContext } from "../../../protocol/wire/service.ts";
import { isReason, StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Owner, RowReads } from "../../ports/row-reads.ts";
import type { RowChange } from "../../records/rows.ts";

export const rowMade = <R extends Resource>(resource: R, row: RowOf<R>): RowChange => ({
  resource,
  made: asRow(row),
});

export const rowChanged = <R extends Resource>(resource: R, row: RowOf<R>): RowChange => ({
  resource,
  changed: asRow({ ...row, version: row.version + 1 }),
});

export const rowRemoved = (resource: Resource, { id }: { readonly id: string }): RowChange => ({
  resource,
  removed: id,
});

/** Resources add fields to these, and take none away. */
const asRow = (row: { readonly version: number }): ResourceRow => row as ResourceRow;

/** Without what is not for clients. */
export function shownRow<R extends Resource>(row: RowOf<R>): ShownOf<R> {
  const { version: _, ...shown } = row;
  return shown as ShownOf<R>;
}

/** Whose rows a caller names and lists: its own; operators list those of all. */
export function ownerOf({ owner }: Resource, { project }: CallContext): Owner {
  if (owner === "cell") return {};
  // The caller's name is its project's, which has no other user yet.
  return owner === "project" ? { project } : { project, user: project };
}

export const listedOwner = (resource: Resource, context: CallContext): Owner =>
  context.project === adminProject ? {} : ownerOf(resource, context);

/**
 * The one row that a caller means. Operators reach the rows of all projects by their ids, and their own by
 * name, too. @throws the resource's notFound; ambiguous, with the ids
 */
export async function findRow<R extends Resource>(
  resource: R,
  { id: key, ...context }: CallContext,
  rows: RowReads,
): Promise<RowOf<R>> {
  const own = await rows.called(resource, key, ownerOf(resource, { id: key, ...context }));
  const all = own.length > 0 || context.project !== adminProject ? own : await rows.called(resource, key);
  const found = onlyOne(resource, key, own.length > 0 ? own : all.filter((row) => asRow(row).id === key));
  if (found === undefined) throw notFound(resource, key);
  return found;
}

/** @throws ambiguous */
export function onlyOne<R extends Resource>(
  resource: R,
  key: string,
  found: readonly RowOf<R>[],
): RowOf<R> | undefined {
  if (found.length < 2) return found[0];
  const ids = found.map((row) => asRow(row).id).join(", ");
  const several = `${found.length} ${nounInWords(resource)}s are called ${key}: ${ids}.`;
  throw new StatusError("ambiguous", several);
}

/** Older nouns have a reason of their own. */
function notFound(resource: Resource, key: string): StatusError {
  const own = `${resource.one}NotFound`;
  return new StatusError(isReason(own) ? own : "notFound", `There is no ${nounInWords(resource)} ${key}.`);
}
