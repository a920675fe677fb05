/** Changes of rows of resources, and the events about them, as a commit has them. Pure. */
import type { Resource, ResourceRow, RowOf } from "../../../protocol/wire/resource.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
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

/** Removes the row if it is there with the fields `ifHas`, and no other row holds it. Nothing is refused. */
export const rowLetGo = <R extends Resource>(
  resource: R,
  id: string,
  ifHas: { readonly [F in keyof RowOf<R>]?: string } = {},
): RowChange => ({ resource, removed: id, ifHas: ifHas as Readonly<Record<string, string>> });

/** Resources add fields to these, and take none away. */
export const asRow = (row: { readonly version: number }): ResourceRow => row as ResourceRow;

/** The event of a change of a row. */
export function aboutRow(
  { noun }: Resource,
  { id, name, project = adminProject }: ResourceRow,
  { event, body }: { readonly event: string; readonly body: object },
) {
  return { noun, id, event, project, body: { name, ...body } };
}
