/**
 * The schema of a database as one text: its tables with their constraints, indexes and triggers, and its
 * functions, in an order and a form that do not depend on how it came to be. db/schema.sql is this text, for
 * people to read; two databases with the same text are alike. It only reads, and must never repair anything.
 */
import { layOut, wrapped } from "./sql-layout.ts";

type Rows = readonly Readonly<Record<string, unknown>>[];
/** Runs a statement; answers its rows. */
type ReadRows = (text: string) => Promise<Rows>;

/** What the machinery of migrations keeps for itself. */
const machinery = "('novact_migration', 'novact_function', 'novact_breaking')";
const ours = `n.nspname = current_schema() and c.relname not in ${machinery}`;

const tablesQuery = `
  select c.relname as table, coalesce(array_to_string(c.reloptions, ', '), '') as options,
      a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as needed,
      case when l.collname <> 'default' then l.collname end as collation,
      pg_get_expr(d.adbin, d.adrelid) as "default", a.attgenerated <> '' as generated
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_collation l on l.oid = a.attcollation
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where ${ours} and c.relkind = 'r' order by c.relname collate "C", a.attnum`;

/** Primary keys first, then CHECKs, references, unique ones. */
const constraintsQuery = `
  select c.relname as table, k.conname as name, pg_get_constraintdef(k.oid) as text
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
    where ${ours} and k.contype in ('p', 'c', 'f', 'u', 'x')
    order by c.relname collate "C", k.contype <> 'p', k.contype, k.conname collate "C"`;

/** Those that no constraint made. */
const indexesQuery = `
  select c.relname as table, pg_get_indexdef(x.indexrelid) as text
    from pg_index x join pg_class c on c.oid = x.indrelid join pg_namespace n on n.oid = c.relnamespace
      join pg_class i on i.oid = x.indexrelid
    where ${ours} and not exists (select from pg_constraint k where k.conindid = x.indexrelid and k.contype in ('p', 'u', 'x'))
    order by c.relname collate "C", i.relname collate "C"`;

const triggersQuery = `
  select c.relname as table, pg_get_triggerdef(t.oid) as text
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
    where ${ours} and not t.tgisinternal order by c.relname collate "C", t.tgname collate "C"`;

const functionsQuery = `
  select p.proname as name, pg_get_function_arguments(p.oid) as arguments,
      pg_get_function_result(p.oid) as result, l.lanname as language, p.prosrc as body,
      coalesce(array_to_string(p.proconfig, ' '), '') as settings
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
    where n.nspname = current_schema() order by p.proname collate "C", 2`;

const sequencesQuery = `
  select c.relname as name, s.seqmax = 9223372036854775807 as unbounded, s.seqmax as most, s.seqcycle as cycles
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_sequence s on s.seqrelid = c.oid
    where ${ours} and c.relkind = 'S' order by c.relname collate "C"`;

const heading = `-- The sum of db/migrations and of the functions, as PostgreSQL knows it: for reading and for reviews.
-- Made by "npm run schema" and compared by a live spec; functions stand here without comments and line breaks
-- of their own. Nothing reads it at run time.
`;

/** Tables with their columns, constraints and indexes; without triggers, which belong to functions. */
export async function tablesText(read: ReadRows): Promise<string> {
  return [...(await tables(read)).values()].join("\n");
}

/** All of it, as db/schema.sql has it. */
export async function schemaText(read: ReadRows): Promise<string> {
  const triggers = Map.groupBy(await read(triggersQuery), ({ table }) => String(table));
  const texts = [...(await tables(read))].map(([table, text]) => text + statements(triggers.get(table)));
  const functions = (await read(functionsQuery)).map(functionText);
  const sequences = (await read(sequencesQuery)).map(sequenceText);
  return [heading, ...texts, ...sequences, ...functions].join("\n");
}

const sequenceText = ({ name, unbounded, most, cycles }: Rows[number]): string =>
  `create sequence ${name}${unbounded ? "" : ` maxvalue ${most}`}${cycles ? " cycle" : ""};\n`;

/** The text of each. */
async function tables(read: ReadRows): Promise<ReadonlyMap<string, string>> {
  const [columns, constraints, indexes] = [
    await read(tablesQuery),
    await read(constraintsQuery),
    await read(indexesQuery),
  ];
  const texts = [...Map.groupBy(columns, ({ table }) => String(table))].map(([table, rows]) => {
    const of = (all: Rows) => all.filter((one) => one.table === table);
    const named = of(constraints).map(({ name, text }) => `constraint ${name} ${plain(text)}`);
    const lines = [...columnLines(rows), ...named].map((line) => wrapped(`  ${line}`).join("\n"));
    const options = rows[0]?.options === "" ? "" : ` with (${String(rows[0]?.options).replace("=", " = ")})`;
    const text = `create table ${table} (\n${lines.join(",\n")}\n)${options};\n${statements(of(indexes))}`;
    return [table, text] as const;
  });
  return new Map(texts);
}

function functionText({ name, arguments: given, result, language, settings, body }: Rows[number]): string {
  const set = settings === "" ? "" : ` set ${String(settings).replaceAll(" ", " set ")}`;
  const head = `create function ${name}(${given}) returns ${result} language ${language}${set} as $$`;
  return `${wrapped(head).join("\n")}\n${layOut(String(body))}\n$$;\n`;
}

function statements(rows: Rows = []): string {
  return rows.map(({ text }) => `${wrapped(plain(text)).join("\n")};\n`).join("");
}

function columnLines(rows: Rows): string[] {
  return rows.map((row) => {
    const collation = row.collation === null ? "" : ` collate "${row.collation}"`;
    const needed = row.needed === true ? " not null" : "";
    const value = plain(row.default ?? "")
      .replaceAll(/\s+/g, " ")
      .trim();
    const made = row.generated === true ? ` generated always as (${value}) stored` : ` default ${value}`;
    return `${row.name} ${row.type}${collation}${needed}${value === "" ? "" : made}`;
  });
}

/** Without what PostgreSQL adds to every text of its own; small letters but in what is quoted. */
function plain(text: unknown): string {
  const shorter = String(text)
    .replace(/\b(?:public|novact_released)\./g, "")
    .replaceAll("::text", "");
  return shorter.replace(/'[^']*'|"[^"]*"|[A-Z]+/g, (part) =>
    /^['"]/.test(part) ? part : part.toLowerCase(),
  );
}
