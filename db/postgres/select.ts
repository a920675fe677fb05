/**
 * Lists of columns, and readers of rows, made from what MikroORM knows of the entities: names of columns
 * stand in db/tables and nowhere else in what reads. Values are taken as the entity types them; the CHECKs
 * stand behind that.
 */
import type { EntityManager, EntityName } from "@mikro-orm/postgresql";
import { columnNameOf } from "../rows/row-changes.ts";
import type { Row } from "./database.ts";

export interface Selection<T> {
  /** For a select list, each column with the alias of its table. */
  readonly columns: string;
  readonly width: number;
  /**
   * The record whose columns begin at `from`; undefined when its first column is null: an outer join without
   * a row.
   */
  read(row: Row, from?: number): T | undefined;
}

/** @param T the record: its fields are the entity's properties, those that are wanted */
export function selectionOf<T extends object, E extends object>(
  em: EntityManager,
  entity: EntityName<E>,
  alias: string,
  wanted: (field: string) => boolean = () => true,
): Selection<T> {
  const properties = em
    .getMetadata()
    .get(entity)
    .props.filter(({ name }) => wanted(name));
  return selection(
    properties.map(({ name }) => name),
    properties.map(({ fieldNames }) => `${alias}.${fieldNames[0]}`),
  );
}

/** Of the fields of a resource, whose table has a column for each. */
export function selectionOfFields<T extends object>(fields: readonly string[], alias: string): Selection<T> {
  return selectionOfColumns(columnsOf(fields, alias));
}

/** Fields of a resource with their columns. */
export const columnsOf = (fields: readonly string[], alias: string) =>
  fields.map((field) => [field, `${alias}.${columnNameOf(field)}`] as const);

/** Fields with what is selected for each. */
export function selectionOfColumns<T extends object>(
  columns: readonly (readonly [string, string])[],
): Selection<T> {
  return selection(
    columns.map(([field]) => field),
    columns.map(([, column]) => column),
  );
}

function selection<T extends object>(fields: readonly string[], columns: readonly string[]): Selection<T> {
  return {
    columns: columns.join(", "),
    width: fields.length,
    read(row, from = 0) {
      if (row[from] === null) return undefined;
      const record: Record<string, unknown> = {};
      for (let at = 0; at < fields.length; at += 1) record[fields[at] ?? ""] = row[from + at];
      return record as T;
    },
  };
}

/** Every record of a list that has no outer join. */
export function readAll<T>(selection: Selection<T>, rows: readonly Row[]): T[] {
  return rows.flatMap((row) => selection.read(row) ?? []);
}
