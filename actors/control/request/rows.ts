/**
 * The rows of resources as requests see them: named by an id or a name, within what the caller owns, and
 * shown without what is kept for the store only. It decides nothing.
 */

import { isReason } from "../../../protocol/wire/reasons.ts";
import { nounInWords, type Resource, type RowOf, type ShownOf } from "../../../protocol/wire/resource.ts";
import type { CallContext } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Owner, RowReads } from "../../ports/row-reads.ts";
import { asRow } from "./row-changes.ts";

/** Who names a row, and how: by its id or name. */
type Caller = Pick<CallContext, "id" | "project">;

/** Most rows of one read. */
const rowsReadAtOnce = 1_000;

/** Without what is not for clients. */
export function shownRow<R extends Resource>(row: RowOf<R>): ShownOf<R> {
  const { version: _, ...shown } = row;
  return shown as ShownOf<R>;
}

/** Whose rows a caller names and lists: its own; operators list those of all. */
export function ownerOf({ owner }: Resource, { project }: Pick<Caller, "project">): Owner {
  if (owner === "cell") return {};
  // The caller's name is its project's, which has no other user yet.
  return owner === "project" ? { project } : { project, user: project };
}

export const listedOwner = (resource: Resource, context: Pick<Caller, "project">): Owner =>
  context.project === adminProject ? {} : ownerOf(resource, context);

/**
 * The one row that a caller means. Operators reach the rows of all projects by their ids, and their own by
 * name, too. @throws the resource's notFound; ambiguous, with the ids
 */
export async function findRow<R extends Resource>(
  resource: R,
  caller: Caller,
  rows: Pick<RowReads, "called">,
): Promise<RowOf<R>> {
  const found = onlyOne(resource, caller.id, await rowsCalled(resource, caller, rows));
  if (found === undefined) throw notFound(resource, caller.id);
  return found;
}

/** All rows that a caller may mean by an id or a name: none, or several of one name. */
export async function rowsCalled<R extends Resource>(
  resource: R,
  { id: key, project }: Caller,
  rows: Pick<RowReads, "called">,
): Promise<readonly RowOf<R>[]> {
  const own = await rows.called(resource, key, ownerOf(resource, { project }));
  if (own.length > 0 || project !== adminProject) return own;
  return (await rows.called(resource, key)).filter((row) => asRow(row).id === key);
}

/**
 * As findRow, for whoever changes the row: one that another project shares is not the caller's. @throws
 * adminOnly
 */
export async function findOwnRow<R extends Resource>(
  resource: R,
  context: Caller,
  rows: RowReads,
): Promise<RowOf<R>> {
  const found = await findRow(resource, context, rows);
  const { project } = asRow(found);
  if (project === undefined || project === context.project || context.project === adminProject) return found;
  const whose = `The ${nounInWords(resource)} ${context.id} is another project's, which shares it.`;
  throw new StatusError("adminOnly", whose);
}

/** All rows that refer to one of these, in order of id. */
export async function referringTo<R extends Resource>(
  resource: R,
  refers: Readonly<Record<string, readonly string[]>>,
  rows: RowReads,
): Promise<readonly RowOf<R>[]> {
  if (Object.values(refers).some((ids) => ids.length === 0)) return [];
  const found: RowOf<R>[] = [];
  for (let page: readonly RowOf<R>[] | undefined; page === undefined || page.length === rowsReadAtOnce; ) {
    const last = found.at(-1);
    const marker = last === undefined ? {} : { marker: asRow(last).id };
    page = await rows.list(resource, { refers, limit: rowsReadAtOnce, ...marker });
    found.push(...page);
  }
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
export function notFound(resource: Resource, key: string): StatusError {
  const own = `${resource.one}NotFound`;
  return new StatusError(isReason(own) ? own : "notFound", `There is no ${nounInWords(resource)} ${key}.`);
}
