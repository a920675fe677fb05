/** Reads rows of resources from memory: the same for all of them. It changes nothing but the last numbers. */
import type { Among, Joined, JoinedReads, Owner, RowQuery, RowReads } from "../../actors/ports/row-reads.ts";
import type { Resource, ResourceRow, RowOf } from "../../protocol/wire/resource.ts";
import { bodyFields, bodyOf } from "../rows/extension-rows.ts";
import { readLimits } from "../rows/limits.ts";
import { isExtension } from "../rows/row-changes.ts";
import type { Tables } from "../rows/tables.ts";
import { seenOf } from "../rows/visibility.ts";
import { isSharedWith } from "../rules/image/memory.ts";
import { fieldOf, rowsOwnedBy } from "../rules/reference/memory.ts";
import { page } from "./page.ts";

type Asked = Owner & { readonly among?: Among | undefined };

export class MemoryRowReads implements RowReads, JoinedReads {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async called<R extends Resource>(
    resource: R,
    key: string,
    owner: Owner = {},
  ): Promise<readonly RowOf<R>[]> {
    const rows = this.#tables.rowsOf(resource);
    const seen = (row: ResourceRow, among?: Among) => this.#isSeen(resource, row, { ...owner, among });
    const byId = rows.get(key);
    const query = { limit: readLimits.rowsOfOneNameMax };
    const found =
      byId && seen(byId, "named") ? [byId] : page(rows, query, (row) => row.name === key && seen(row));
    return found.map((row) => seenBy(resource, row));
  }

  async calledWith<R extends Resource, P extends Resource>(
    resource: R,
    key: string,
    { owner, part, by }: Joined<P>,
  ): Promise<readonly { readonly row: RowOf<R>; readonly parts: readonly RowOf<P>[] }[]> {
    const rows = await this.called(resource, key, owner);
    const all = [...this.#tables.rowsOf(part).values()].toSorted((one, other) =>
      one.id < other.id ? -1 : 1,
    );
    return rows.map((row) => ({
      row,
      parts: all.filter((one) => fieldOf(one, by) === row.id).map((one) => seenBy(part, one)),
    }));
  }

  async list<R extends Resource>(resource: R, query: RowQuery): Promise<readonly RowOf<R>[]> {
    const { name, whole, refers = {}, having = {} } = query;
    const found = page(
      this.#tables.rowsOf(resource),
      query,
      (row) =>
        this.#isSeen(resource, row, query) &&
        (name ?? row.name) === row.name &&
        Object.entries({ ...refers, ...having }).every(([field, ids]) =>
          ids.some((id) => id === fieldOf(row, field)),
        ),
    );
    return whole === true ? found.map((row) => ({ ...row })) : found.map((row) => seenBy(resource, row));
  }

  async count(resource: Resource, owner: Owner): Promise<number> {
    return rowsOwnedBy(this.#tables, resource, owner).length;
  }

  /** Resources of plug-ins share one sequence. */
  async nextNumber(resource: Resource): Promise<number> {
    return this.#tables.nextNumber(isExtension(resource) ? "extension_row" : resource.table);
  }

  /** The owner's own, and what others share with every project, or with this one. */
  #isSeen(resource: Resource, row: ResourceRow, { project, user, among }: Asked): boolean {
    const owned = (project ?? row.project) === row.project && (user ?? row.user) === row.user;
    const { visibility, sharedBy = [] } = resource;
    if (visibility === undefined || project === undefined)
      return owned || sharedBy.some((flag) => fieldOf(row, flag) === true);
    const seen = seenOf(visibility, among);
    return (owned && seen.own) || isSharedWith(this.#tables, { resource, row, project }, seen);
  }
}

/** Without what another version of the plug-in has in the body. */
function seenBy<T extends object>(resource: Resource, row: T): T {
  if (!isExtension(resource)) return row;
  const inBody = new Set(bodyFields(resource));
  const columns = new Set([...Object.keys(resource.kept), "version"].filter((field) => !inBody.has(field)));
  const entries = Object.entries(row);
  const own = entries.filter(([field]) => columns.has(field));
  return { ...Object.fromEntries(own), ...bodyOf(resource, Object.fromEntries(entries)) } as T;
}
