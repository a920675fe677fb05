/** Reads rows of resources from memory: the same for all of them. It changes nothing but the last numbers. */
import type { Owner, RowQuery, RowReads } from "../../actors/ports/row-reads.ts";
import type { Resource, ResourceRow, RowOf } from "../../protocol/wire/resource.ts";
import { readLimits } from "../rows/limits.ts";
import type { Tables } from "../rows/tables.ts";
import { page } from "./page.ts";

export class MemoryRowReads implements RowReads {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async called<R extends Resource>(
    resource: R,
    key: string,
    { project, user }: Owner = {},
  ): Promise<readonly RowOf<R>[]> {
    const rows = this.#tables.rowsOf(resource);
    const own = (row: ResourceRow) =>
      (project ?? row.project) === row.project && (user ?? row.user) === row.user;
    const byId = rows.get(key);
    const query = { limit: readLimits.rowsOfOneNameMax };
    const found = byId && own(byId) ? [byId] : page(rows, query, (row) => own(row) && row.name === key);
    return found;
  }

  async list<R extends Resource>(resource: R, query: RowQuery): Promise<readonly RowOf<R>[]> {
    const { project, user, name } = query;
    return page(
      this.#tables.rowsOf(resource),
      query,
      (row) =>
        (project ?? row.project) === row.project &&
        (user ?? row.user) === row.user &&
        (name ?? row.name) === row.name,
    );
  }

  async nextNumber({ table }: Resource): Promise<number> {
    return this.#tables.nextNumber(table);
  }
}
