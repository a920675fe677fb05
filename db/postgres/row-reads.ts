/** Reads rows of resources from PostgreSQL: the same for all of them. It changes nothing. */
import type { Among, Joined, JoinedReads, Owner, RowQuery, RowReads } from "../../actors/ports/row-reads.ts";
import type { Resource, RowOf } from "../../protocol/wire/resource.ts";
import { bodyOf } from "../rows/extension-rows.ts";
import { readLimits } from "../rows/limits.ts";
import { columnNameOf, isExtension } from "../rows/row-changes.ts";
import { seenOf } from "../rows/visibility.ts";
import type { Database } from "./database.ts";
import { type RowPlace, rowPlaceOf } from "./row-place.ts";
import { readAll, selectionOfFields } from "./select.ts";

type Visibility = NonNullable<Resource["visibility"]>;

export class PostgresRowReads implements RowReads, JoinedReads {
  readonly #database: Database;
  readonly #places = new Map<Resource, RowPlace>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** One statement: the parts are an array of JSON in the row, with the columns in their order. */
  async calledWith<R extends Resource, P extends Resource>(
    resource: R,
    key: string,
    { owner = {}, part, by }: Joined<P>,
  ): Promise<readonly { readonly row: RowOf<R>; readonly parts: readonly RowOf<P>[] }[]> {
    const { clause, values } = this.#seen(resource, owner, [key]);
    const { selection, from, name } = this.#placeOf(resource);
    const parts = selectionOfFields<RowOf<P>>([...Object.keys(part.kept), "version"], "p");
    const column = columnNameOf(by);
    const text = `select ${selection.columns}, (
        select coalesce(json_agg(json_build_array(${parts.columns}) order by p.id), '[]')
        from ${part.table} p where p.${column} = t.id)
      from ${from} t where (t.id = $1 or t.name = $1)${clause}
      order by t.id = $1 desc, t.id limit ${readLimits.rowsOfOneNameMax}`;
    const statement = { name: `${name}_with_${part.table}_${values.length}`, text, values };
    const rows = await this.#database.read(statement, `read ${resource.table} rows and their parts`);
    const all = rows.flatMap((row) => {
      const read = selection.read(row) as RowOf<R> | undefined;
      const its = row[selection.width] as readonly unknown[][];
      return read === undefined ? [] : [{ row: read, parts: readAll(parts, its) }];
    });
    return all[0]?.row.id === key ? all.slice(0, 1) : all;
  }

  /** The row with this id comes first, and then alone. */
  async called<R extends Resource>(
    resource: R,
    key: string,
    owner: Owner = {},
  ): Promise<readonly RowOf<R>[]> {
    const named = this.#seen(resource, owner, [key], "named");
    const listed = this.#seen(resource, owner, [key]);
    const order = `order by t.id = $1 desc, t.id limit ${readLimits.rowsOfOneNameMax}`;
    const rows = await this.#read<R>(resource, `called_${listed.values.length}`, {
      clause: `(t.id = $1${named.clause} or t.name = $1${listed.clause}) ${order}`,
      values: listed.values,
    });
    const [first] = rows as readonly { readonly id?: unknown }[];
    return first?.id === key ? rows.slice(0, 1) : rows;
  }

  async list<R extends Resource>(
    resource: R,
    { marker = "", limit, name, whole, refers = {}, having = {}, among, ...owner }: RowQuery,
  ): Promise<readonly RowOf<R>[]> {
    const first = name === undefined ? [marker, limit] : [marker, limit, name];
    const { clause, values } = this.#seen(resource, owner, first, among);
    const named = name === undefined ? "" : " and t.name = $3";
    const asked = Object.entries({ ...refers, ...having });
    const referring = asked.map(
      ([field], at) => ` and t.${columnNameOf(field)} = any($${values.length + at + 1})`,
    );
    const statement = {
      clause: `t.id > $1${named}${clause}${referring.join("")} order by t.id limit $2`,
      values: [...values, ...asked.map(([, ids]) => ids)],
    };
    const of = among === undefined ? [] : ["among", ...(among === "named" ? [] : among)];
    const columns = asked.map(([field]) => columnNameOf(field));
    const by = [named === "" ? [] : ["named"], of, columns, values.length];
    return this.#read<R>(resource, `list_${by.flat().join("_")}`, statement, whole);
  }

  async count(resource: Resource, owner: Owner): Promise<number> {
    const { clause, values } = this.#owned(resource, owner, []);
    const { from, name } = this.#placeOf(resource);
    const text = `select count(*) from ${from} t where true${clause}`;
    const statement = { name: `${name}_count_${values.length}`, text, values };
    const [row] = await this.#database.read(statement, `count rows of ${resource.table}`);
    return Number(row?.[0]);
  }

  async nextNumber(resource: Resource): Promise<number> {
    const table = isExtension(resource) ? "extension_row" : resource.table;
    const statement = { name: `${table}_number`, text: `select nextval('${table}_number')` };
    const [row] = await this.#database.read(statement, `number a ${table}`);
    return Number(row?.[0]);
  }

  async #read<R extends Resource>(
    resource: R,
    name: string,
    { clause, values }: { readonly clause: string; readonly values: readonly unknown[] },
    whole = false,
  ): Promise<RowOf<R>[]> {
    const place = this.#placeOf(resource);
    const text = `select ${place.selection.columns} from ${place.from} t where ${clause}`;
    const statement = { name: `${place.name}_${name}`, text, values };
    const rows = await this.#database.read(statement, `read ${resource.table} rows`);
    const read = readAll(place.selection, rows);
    return (isExtension(resource) ? read.map((row) => unpacked(resource, row, whole)) : read) as RowOf<R>[];
  }

  #placeOf(resource: Resource): RowPlace {
    const known = this.#places.get(resource);
    if (known !== undefined) return known;
    const made = rowPlaceOf(resource);
    this.#places.set(resource, made);
    return made;
  }

  /** As #owned, with what other projects share. */
  #seen(resource: Resource, owner: Owner, first: readonly unknown[], among?: Among) {
    const owned = this.#owned(resource, owner, first);
    const { sharedBy = [], visibility } = resource;
    if (visibility !== undefined && owner.project !== undefined)
      return { ...owned, clause: ` and (${seenClause(visibility, owned.values.length, among)})` };
    if (sharedBy.length === 0 || owner.project === undefined) return owned;
    const shared = sharedBy.map((flag) => ` or t.${columnNameOf(flag)}`).join("");
    return { ...owned, clause: ` and (true${owned.clause}${shared})` };
  }

  /** Conditions on the resource and the owner, and the values with theirs behind them. */
  #owned(resource: Resource, { project, user }: Owner, first: readonly unknown[]) {
    const values = [...first];
    const also = (column: string, value: string | undefined) => {
      if (value === undefined) return "";
      values.push(value);
      return ` and t.${column} = $${values.length}`;
    };
    const { plugin, noun } = this.#placeOf(resource);
    const own = also("plugin", plugin) + also("noun", noun);
    return { clause: own + also("project", project) + also("user_name", user), values };
  }
}

/** `project`: the number of the value that has the project. Words of a definition need no quoting. */
function seenClause(visibility: Visibility, project: number, among: Among | undefined): string {
  const { field, shared, members } = visibility;
  const { own, open, said } = seenOf(visibility, among);
  const words = (list: readonly string[]) => list.map((word) => `'${word}'`).join(", ");
  const column = columnNameOf(field);
  const answered = said === undefined ? "" : ` and m.${columnNameOf(members.status)} in (${words(said)})`;
  const table = members.noun.replaceAll("-", "_");
  const member = `exists (select from ${table} m
    where m.${columnNameOf(members.of)} = t.id and m.name = $${project}${answered})`;
  return [
    ...(own ? [`t.project = $${project}`] : []),
    ...(open.length > 0 ? [`t.${column} in (${words(open)})`] : []),
    `t.${column} = '${shared}' and ${member}`,
  ].join(" or ");
}

/** The row of a plug-in with the fields of its body; `whole`: with fields of other versions as well. */
function unpacked(resource: Resource, row: object, whole: boolean): object {
  const { body, ...own } = row as { readonly body: Readonly<Record<string, unknown>> };
  return { ...own, ...(whole ? body : bodyOf(resource, body)) };
}
