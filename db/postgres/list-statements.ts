/**
 * The statements that read pages of instances and operations. Each walks one index (db/rows/list-page.ts);
 * filters that the index does not serve judge the rows that the walk meets, of which there is a bounded
 * number. Filters that are not given are null in the same text: which of them a tenant combines must not make
 * a statement of its own, since each connection keeps every statement that it has prepared. Pure.
 */
import type { InstanceQuery } from "../../actors/ports/instance-reads.ts";
import type { OperationQuery } from "../../actors/ports/operation-reads.ts";
import type { OrderedQuery } from "../../actors/ports/pages.ts";
import type { OperationNoun } from "../../protocol/states.ts";
import { instanceWalk, type Met, metMax, operationWalk, type Walk } from "../rows/list-page.ts";
import { likeOf } from "../rows/name-pattern.ts";
import { storable, storableJson } from "../rows/storable.ts";
import type { Row, Statement } from "./database.ts";
import { type InstanceColumns, withMachine } from "./instance-statements.ts";

/** The values of a statement, and their places in its text. */
class Values {
  readonly all: unknown[] = [];

  put(value: unknown): string {
    return `$${this.all.push(value ?? null)}`;
  }

  texts(values: readonly string[] | undefined): string {
    return `${this.put(values?.map(storable))}::text[]`;
  }

  /** True when the filter is not given, or one of the columns has one of its values. */
  any(values: readonly string[] | undefined, ...columns: readonly string[]): string {
    const given = this.texts(values);
    return `(${[`${given} is null`, ...columns.map((column) => `${column} = any (${given})`)].join(" or ")})`;
  }

  /** The same of a comparison with one value. */
  one(value: unknown, type: string, compare: (given: string) => string): string {
    const given = `${this.put(value)}::${type}`;
    return `(${given} is null or ${compare(given)})`;
  }
}

/** Text that differs with the order of a list. */
interface Sides {
  /** Behind the marker; up to the last row. */
  readonly behind: ">" | "<";
  readonly upTo: ">=" | "<=";
  readonly direction: "asc" | "desc";
  /** The aggregate that gives the last id of a walk. */
  readonly last: "min" | "max";
}

const sidesOf = ({ order }: OrderedQuery): Sides =>
  order === "newest"
    ? { behind: "<", upTo: ">=", direction: "desc", last: "min" }
    : { behind: ">", upTo: "<=", direction: "asc", last: "max" };

interface Listing {
  readonly name: string;
  readonly query: OrderedQuery & { readonly project?: string };
  readonly walk: Walk<string>;
  readonly values: Values;
  /** Select list of the page, and the joins behind its table. */
  readonly columns: string;
  readonly from: { readonly table: string; readonly alias: string; readonly joins: string };
  /**
   * The column of the walk, which is met for one value after the other: the last but one of an index, before
   * the id. Absent: rows are met in the order of their ids.
   */
  readonly along?: string | undefined;
  /** Conditions on the rows; several lists of them: each is met by itself, for an index of its own. */
  readonly parts: readonly (readonly string[])[];
  /** Whether a row passes the filters. */
  readonly judgement: () => string;
}

/** A page; two more columns at its end when it is judged: see {@link metIn}. */
function listing(it: Listing): Statement {
  const { name, query, walk, values, columns, from, judgement } = it;
  const { direction, last } = sidesOf(query);
  const ordered = (alias: string) => `order by ${alias}id ${direction}`;
  const { table, alias, joins } = from;
  const met = walk.judged ? metText(it, `id, (${judgement()}) as fits`) : metText(it, "*");
  const text = walk.judged
    ? `with met as materialized (${met})
      select ${columns}, s.met, s.last
        from (select count(*) as met, ${last}(id) as last from met) s
          left join (select id from met where fits ${ordered("")} limit ${values.put(query.limit)}) f on true
          left join ${table} ${alias} on ${alias}.id = f.id ${joins}
        ${ordered(`${alias}.`)}`
    : `select ${columns} from (${met}) ${alias} ${joins} ${ordered(`${alias}.`)}`;
  const key = [name, walk.by, query.project && "project", query.marker && "marker", direction];
  const words = [...key, walk.judged && "judged"].filter((word) => typeof word === "string");
  return { name: words.join("_"), text, values: values.all };
}

/** The rows that the walk meets, with these columns. */
function metText({ query, walk, values, from, along, parts }: Listing, columns: string): string {
  const { behind, direction } = sidesOf(query);
  const limit = `limit ${values.put(metMax(query, walk))}`;
  const end = `order by id ${direction} ${limit}`;
  const project = query.project === undefined ? [] : [`project = ${values.put(query.project)}`];
  const marker = query.marker === undefined ? undefined : values.put(query.marker);
  const part = (conditions: readonly string[], partEnd: string) => {
    const where = [...project, ...conditions].join(" and ") || "true";
    return `(select ${columns} from ${from.table} where ${where} ${partEnd})`;
  };
  const given = along === undefined ? "" : values.texts(walk.values);
  if (along === undefined) {
    const position = marker === undefined ? [] : [`id ${behind} ${marker}`];
    const texts = parts.map((conditions) => part([...position, ...conditions], end));
    return texts.length === 1 ? texts.join("") : `${texts.join(" union all ")} ${end}`;
  }
  const oneEnd = `order by ${along} ${direction}, id ${direction} ${limit}`;
  const one = parts.map((rest) => part([...valueText(along, marker, query), ...rest], oneEnd)).join("");
  return `select p.* from unnest(${given}) as v(value) cross join lateral ${one} p ${end}`;
}

/**
 * One value of a column, as a range: with an equation PostgreSQL knows that the order is that of the ids, and
 * may walk through all ids for a value that hardly any row has.
 */
function valueText(column: string, marker: string | undefined, query: OrderedQuery): readonly string[] {
  const { behind, upTo } = sidesOf(query);
  const position =
    marker === undefined ? `${column} ${behind}= v.value` : `(${column}, id) ${behind} (v.value, ${marker})`;
  return [position, `${column} ${upTo} v.value`];
}

/** How far the walk of a page came. */
export function metIn(rows: readonly Row[], { judged }: Walk<string>, idOf: (row: Row) => string): Met {
  const last = rows.at(-1);
  if (!judged) return { rows: rows.length, last: last && idOf(last) };
  const [met, end] = last?.slice(-2) ?? [0, null];
  return { rows: Number(met), last: typeof end === "string" ? end : undefined };
}

const instanceColumnOf = {
  names: "name",
  hosts: "host_id",
  groups: "live_server_group_id",
  states: "state",
  ids: undefined,
  all: undefined,
} as const;

export function instancesStatement(
  { i, m }: Pick<InstanceColumns, "i" | "m">,
  query: InstanceQuery,
): Statement {
  const walk = instanceWalk(query);
  const values = new Values();
  const along = instanceColumnOf[walk.by];
  const ids = walk.by === "ids" ? [`id = any (${values.texts(walk.values)})`] : [];
  const part = (deleted: string) => [...ids, `deleted_at_ms is ${deleted}`];
  // Tombstones have an index of their own; along a column there are none.
  const buried = query.deleted === true && along === undefined;
  return listing({
    ...{ query, walk, values, along },
    name: query.deleted === true ? "instances_deleted" : "instances",
    columns: `${i}, ${m}`,
    from: { table: "instance", alias: "i", joins: withMachine },
    parts: buried ? [part("null"), part("not null")] : [part("null")],
    judgement: () => instanceJudgement(query, values),
  });
}

function instanceJudgement(query: InstanceQuery, values: Values): string {
  const { namePattern, metadata } = query;
  const judgements = [
    values.any(query.ids, "id"),
    values.any(query.names, "name"),
    values.any(query.states, "state"),
    values.any(query.hostIds, "host_id"),
    values.any(query.serverGroupIds, "server_group_id"),
    values.any(query.flavors, "flavor->>'id'", "flavor->>'name'"),
    values.any(query.images, "image->>'id'", "image->>'name'"),
    values.one(namePattern && likeOf(storable(namePattern)), "text", (given) => `name like ${given}`),
    values.one(metadata && storableJson(metadata), "jsonb", (given) => `metadata @> ${given}`),
    values.one(query.createdAfterMs, "bigint", (given) => `created_at_ms >= ${given}`),
    values.one(query.createdBeforeMs, "bigint", (given) => `created_at_ms < ${given}`),
    values.one(query.changedSinceMs, "bigint", (given) => `updated_at_ms >= ${given}`),
    values.one(query.locked, "boolean", (given) => `(lock is not null) = ${given}`),
  ];
  return judgements.join(" and ");
}

/** Behind the operation's columns: the present name of its instance. */
const withName = "left join instance n on n.id = o.instance_id";

export function operationsStatement({ o }: Pick<InstanceColumns, "o">, query: OperationQuery): Statement {
  const walk = operationWalk(query);
  const { noun } = query;
  const values = new Values();
  const named = walk.by === "entities" || walk.by === "entitiesRunning";
  const judgement = (): string =>
    [
      values.one(noun, "text", (given) => `noun = ${given}`),
      values.any(query.states, "state"),
      values.any(query.kinds, "kind"),
      values.one(query.sinceMs, "bigint", (since) => `started_at_ms >= ${since}`),
    ].join(" and ");
  // Words of the text and not values: an index has only the operations under way of hosts.
  const part = [
    ...(named && noun !== undefined ? [conditionOf[noun]] : []),
    ...(walk.by === "running" || walk.by === "entitiesRunning" ? ["state = 'running'"] : []),
  ];
  return listing({
    ...{ query, walk, values, judgement },
    name: named && noun !== undefined ? `operations_${noun}` : "operations",
    along: named ? "instance_id" : undefined,
    columns: `${o}, n.name`,
    from: { table: "operation", alias: "o", joins: withName },
    parts: [part],
  });
}

const conditionOf: Readonly<Record<OperationNoun, string>> = {
  instance: "noun = 'instance'",
  host: "noun = 'host'",
  image: "noun = 'image'",
};

export function operationStatement({ o }: Pick<InstanceColumns, "o">, id: string): Statement {
  const text = `select ${o}, n.name from operation o ${withName} where o.id = $1`;
  return { name: "operation", text, values: [id] };
}
