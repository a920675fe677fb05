/**
 * Rows of the resources of plug-ins, as they stand in the one table of all of them: what every row has is in
 * columns, and the fields of its resource are in `body`. Pure.
 */
import type { Resource, ResourceRow } from "../../protocol/wire/resource.ts";
import { mayBeAbsent } from "../../protocol/wire/schema.ts";

/** Fields of which the table has columns. */
const columns: ReadonlySet<string> = new Set(["id", "project", "user", "number", "name", "createdAtMs"]);

/** The fields that are kept in the body. */
export const bodyFields = ({ kept }: Resource): readonly string[] =>
  Object.keys(kept).filter((field) => !columns.has(field));

type Fields = Readonly<Record<string, unknown>>;

/**
 * The fields of the body as the resource has them: one that may be absent and is, is left out; any other that
 * is absent is null. What another version of the plug-in keeps in the body is left out.
 */
export function bodyOf(resource: Resource, values: Fields): Fields {
  const entries = bodyFields(resource).flatMap((field) => {
    const value = values[field];
    if (value !== undefined) return [[field, value] as const];
    return mayBeAbsent(resource.kept[field]) ? [] : [[field, null] as const];
  });
  return Object.fromEntries(entries);
}

/**
 * As db/sql/commit-extension-rows.sql reads them. `absent`: fields that a change takes out of the body; those
 * of which this version of the plug-in knows nothing stay.
 */
export function extensionLists(rows: readonly (readonly [Resource, ResourceRow])[]): readonly object[] {
  return rows.map(([resource, row]) => {
    const values: Fields = { ...row };
    const { id, name, project = "", user = "", createdAtMs, version } = row;
    const body = bodyOf(resource, values);
    return {
      ...{ plugin: resource.plugin, noun: resource.noun, id, name, project, user, createdAtMs, version },
      ...(resource.nameUnique ? { uniqueName: name } : {}),
      ...(resource.numbered ? { number: values.number ?? null } : {}),
      body,
      absent: bodyFields(resource).filter((field) => !Object.hasOwn(body, field)),
    };
  });
}
