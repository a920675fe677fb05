/** Reads rows of resources from PostgreSQL: the same for all of them. It changes nothing. */
import type { Owner, RowQuery, RowReads } from "../../actors/ports/row-reads.ts";
import type { Resource, RowOf } from "../../protocol/wire/resource.ts";
import { readLimits } from "../rows/limits.ts";
import type { Database } from "./database.ts";
import { readAll, type Selection, selectionOfFields } from "./select.ts";

export class PostgresRowReads implements RowReads {
  readonly #database: Database;
  readonly #selections = new Map<string, Selection<object>>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** The row with this id comes first, and then alone. */
  async called<R extends Resource>(
    resource: R,
    key: string,
    owner: Owner = {},
  ): Promise<readonly RowOf<R>[]> {
    const { clause, values } = owned(owner, [key]);
    const rows = await this.#read<R>(resource, `called_${values.length}`, {
      clause: `(t.id = $1 or t.name = $1)${clause} order by t.id = $1 desc, t.id limit ${readLimits.rowsOfOneNameMax}`,
      values,
    });
    const [first] = rows as readonly { readonly id?: unknown }[];
    return first?.id === key ? rows.slice(0, 1) : rows;
  }

  async list<R extends Resource>(
    resource: R,
    { marker = "", limit, name, ...owner }: RowQuery,
  ): Promise<readonly RowOf<R>[]> {
    const first = name === undefined ? [marker, limit] : [marker, limit, name];
    const { clause, values } = owned(owner, first);
    const named = name === undefined ? "" : " and t.name = $3";
    const statement = { clause: `t.id > $1${named}${clause} order by t.id limit $2`, values };
    return this.#read<R>(resource, `list_${named === "" ? "" : "named_"}${values.length}`, statement);
  }

  async nextNumber({ table }: Resource): Promise<number> {
    const statement = { name: `${table}_number`, text: `select nextval('${table}_number')` };
    const [row] = await this.#database.read(statement, `number a ${table}`);
    return Number(row?.[0]);
  }

  async #read<R extends Resource>(
    resource: R,
    name: string,
    { clause, values }: { readonly clause: string; readonly values: readonly unknown[] },
  ): Promise<RowOf<R>[]> {
    const { table } = resource;
    const selection = this.#selectionOf(resource);
    const text = `select ${selection.columns} from ${table} t where ${clause}`;
    const rows = await this.#database.read({ name: `${table}_${name}`, text, values }, `read ${table} rows`);
    return readAll(selection, rows) as RowOf<R>[];
  }

  #selectionOf(resource: Resource): Selection<object> {
    const known = this.#selections.get(resource.table);
    if (known !== undefined) return known;
    const made = selectionOfFields([...Object.keys(resource.kept), "version"], "t");
    this.#selections.set(resource.table, made);
    return made;
  }
}

/** Conditions on the owner, and the values with theirs behind them. */
function owned({ project, user }: Owner, first: readonly unknown[]) {
  const values = [...first];
  const also = (column: string, value: string | undefined) => {
    if (value === undefined) return "";
    values.push(value);
    return ` and t.${column} = $${values.length}`;
  };
  return { clause: also("project", project) + also("user_name", user), values };
}
