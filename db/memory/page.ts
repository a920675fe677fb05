/** A page of a table in memory, in the order of its keys. */
import type { PageQuery } from "../../actors/ports/pages.ts";
import type { Table } from "../rows/table.ts";

/** The rows that are wanted; absent: all. */
export function page<V>(table: Table<V>, query: PageQuery, wanted: (row: V) => boolean = () => true): V[] {
  const rows: V[] = [];
  for (const row of table.after(query.marker)) {
    if (rows.length >= query.limit) break;
    if (wanted(row)) rows.push(row);
  }
  return rows;
}
