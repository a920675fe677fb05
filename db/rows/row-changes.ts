/**
 * What a commit means for the rows of resources: lists for PostgreSQL, and how many of each limited resource
 * it makes, and for whom. Both stores count by the latter. Pure.
 */
import type { RowChange } from "../../actors/records/rows.ts";
import { limitNameOf, type Resource, type ResourceRow } from "../../protocol/wire/resource.ts";
import { extensionLists } from "./extension-rows.ts";

export type Made = Extract<RowChange, { made: unknown }>;
export type Changed = Extract<RowChange, { changed: unknown }>;
export type Removed = Extract<RowChange, { removed: unknown }>;
export type LetGo = Extract<RowChange, { ifHas: unknown }>;
export type Patched = Extract<RowChange, { patched: unknown }>;

export const madeIn = (rows: readonly RowChange[]) => rows.filter((one): one is Made => "made" in one);
export const changedIn = (rows: readonly RowChange[]) =>
  rows.filter((one): one is Changed => "changed" in one);
export const removedIn = (rows: readonly RowChange[]) =>
  rows.filter((one): one is Removed => "removed" in one && !("ifHas" in one));
export const letGoIn = (rows: readonly RowChange[]) =>
  rows.filter((one): one is LetGo => "removed" in one && "ifHas" in one);
export const patchedIn = (rows: readonly RowChange[]) =>
  rows.filter((one): one is Patched => "patched" in one);

/** Rows of one limited resource that a commit makes for one owner. */
export interface Counted {
  readonly resource: Resource;
  readonly project: string;
  /** Absent: the limit is for all users of the project together. */
  readonly user?: string;
  readonly asked: number;
  /** The limit where no quota sets one. */
  readonly most: number;
  /** The field of which the sum is limited. Absent: how many rows there are. */
  readonly sumOf?: string;
}

/** As quotas name it. */
export const limitedNameOf = (resource: Resource, sumOf: string | undefined): string =>
  sumOf === undefined ? limitNameOf(resource) : (resource.limit?.sum?.name ?? sumOf);

/** In the order in which the commit names them; sums after numbers. */
export const countedOf = (rows: readonly RowChange[]): readonly Counted[] => [
  ...numberedIn(rows),
  ...summedIn(rows),
];

/** What is made and what grows, of resources of which a field is limited in sum. */
function summedIn(rows: readonly RowChange[]): readonly Counted[] {
  const summed = new Map<string, Counted>();
  for (const one of rows) {
    const sum = one.resource.limit?.sum;
    if (sum === undefined) continue;
    const [project, asked] = growthIn(one, sum.field);
    if (project === undefined || asked <= 0) continue;
    const { resource } = one;
    const key = JSON.stringify([resource.table, project]);
    const all = (summed.get(key)?.asked ?? 0) + asked;
    summed.set(key, { resource, project, asked: all, most: sum.most, sumOf: sum.field });
  }
  return [...summed.values()];
}

function growthIn(one: RowChange, field: string): readonly [string | undefined, number] {
  if ("made" in one) return [one.made.project, Number(Reflect.get(one.made, field))];
  if ("changed" in one) return [one.changed.project, one.grows ?? 0];
  if ("patched" in one) return [String(one.whereHas.project), one.grows ?? 0];
  return [undefined, 0];
}

function numberedIn(rows: readonly RowChange[]): readonly Counted[] {
  const counted = new Map<string, Counted>();
  for (const { resource, made } of madeIn(rows)) {
    const { limit, table } = resource;
    if (limit === undefined) continue;
    const { project = "", user } = made;
    const whose = { project, ...(limit.of === "user" && user !== undefined ? { user } : {}) };
    const key = JSON.stringify([table, whose]);
    const asked = (counted.get(key)?.asked ?? 0) + 1;
    counted.set(key, { resource, ...whose, asked, most: limit.most });
  }
  return [...counted.values()];
}

const resourceOf = ({ resource }: { readonly resource: Resource }): Resource => resource;
export const isExtension = ({ plugin }: Resource): boolean => plugin !== undefined;

/** As db/sql/commit-rows.sql and db/sql/commit-extension-rows.sql read them. */
export function rowLists(rows: readonly RowChange[]): Readonly<Record<string, readonly object[]>> {
  if (rows.length === 0) return {};
  const extensions = rows.filter((one) => isExtension(resourceOf(one)));
  const own = rows.filter((one) => !isExtension(resourceOf(one)));
  if (letGoIn(extensions).length > 0) throw new Error("Rows of plug-ins are removed, and not let go of.");
  return {
    rowsRemoved: removedIn(own).map(({ resource: { table }, removed }) => ({ table, id: removed })),
    rowsLetGo: letGoIn(own).map(({ resource, removed, ifHas }) => ({
      ...{ table: resource.table, id: removed, fields: columnsOf(ifHas) },
    })),
    rowsMade: madeIn(own).map(({ resource, made }) => ({
      table: resource.table,
      row: inColumns(resource, made),
    })),
    rowsChanged: changedIn(own).map(({ resource, changed }) => ({
      table: resource.table,
      row: inColumns(resource, changed),
    })),
    rowsPatched: patchedIn(own).map(({ resource, patched, whereHas, set }) => ({
      ...{ table: resource.table, id: patched, fields: columnsOf(whereHas), row: columnsOf(set) },
    })),
    rowsCounted: countedOf(own).map(({ resource, sumOf, ...one }) => ({
      ...{ ...one, table: resource.table, resource: limitedNameOf(resource, sumOf) },
      ...(sumOf === undefined ? {} : { sumOf: columnNameOf(sumOf) }),
    })),
    extensionsRemoved: removedIn(extensions).map(({ resource: { plugin, noun }, removed }) => ({
      ...{ plugin, noun, id: removed },
    })),
    extensionsMade: extensionLists(madeIn(extensions).map(({ resource, made }) => [resource, made])),
    extensionsChanged: extensionLists(
      changedIn(extensions).map(({ resource, changed }) => [resource, changed]),
    ),
    extensionsCounted: countedOf(extensions).map(({ resource, ...one }) => ({
      ...one,
      ...{ plugin: resource.plugin, noun: resource.noun, resource: limitNameOf(resource) },
    })),
  };
}

/** The fields that the resource has, under the names of their columns; one that is absent is null. */
function inColumns({ kept }: Resource, row: ResourceRow): object {
  const values: Readonly<Record<string, unknown>> = { ...row };
  const fields = Object.keys(kept).map((field) => [columnNameOf(field), values[field] ?? null]);
  return { ...Object.fromEntries(fields), version: row.version };
}

const columnsOf = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).map(([field, value]) => [columnNameOf(field), value]));

/** As MikroORM names columns; `user` is a word of SQL. */
export function columnNameOf(field: string): string {
  return field === "user" ? "user_name" : field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
