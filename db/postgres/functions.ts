/**
 * The functions of the database, each whole in a file of SQL (db/sql, and db/rules for the rules of a
 * commit), and how they come into it (decision 0016). Functions are not migrated but replaced: after the
 * migrations, each whose text is not the one that was put there last is put there anew. A controller that is
 * older than the database must never do that: it would put old functions under new tables, and back under
 * newer controllers.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { newestMigration } from "../migrations/index.ts";

export interface SqlFunction {
  readonly name: string;
  /** What makes it, and its triggers; may be run again and again. */
  readonly text: string;
  readonly hash: string;
}

/** Runs a statement in the transaction of the migration; answers its rows. */
export type Run = (text: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

const folders = ["sql", "rules"];

/** All of them, by name. @throws Error when a file does not have exactly one */
export function sqlFunctions(): readonly SqlFunction[] {
  const root = join(import.meta.dirname, "..");
  const paths = folders.flatMap((folder) => {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
    return names.filter((name) => name.endsWith(".sql")).map((name) => join(root, folder, name));
  });
  return paths.map(readFunction).sort((left, right) => (left.name < right.name ? -1 : 1));
}

function readFunction(path: string): SqlFunction {
  const text = readFileSync(path, "utf8");
  const [first, ...others] = [...text.matchAll(/^create or replace function ([a-z_]+)\(/gm)];
  if (first === undefined || others.length > 0) throw new Error(`${path} does not have one function.`);
  return { name: first[1] ?? "", text, hash: createHash("sha256").update(text).digest("hex") };
}

/** What was put there last, by a controller with which newest migration. No part of the schema. */
export const functionTable = `create table if not exists novact_function (
  name text collate "C" primary key, hash text collate "C" not null, schema text collate "C" not null
)`;

/** Older functions of the same name with other parameters: `create or replace` leaves them where they are. */
const former = (name: string) =>
  `select oid::regprocedure as signature from pg_proc
    where pronamespace = current_schema()::regnamespace and proname = '${name}'
      and xmin <> pg_current_xact_id()::xid`;

export interface FunctionChanges {
  readonly changed: readonly SqlFunction[];
  /** Names of functions in the database whose files are gone. */
  readonly gone: readonly string[];
}

/** The functions that differ from those of the last replacement. */
export async function functionChanges(run: Run, functions: readonly SqlFunction[]): Promise<FunctionChanges> {
  const rows = await run("select name, hash from novact_function");
  const known = new Map(rows.map(({ name, hash }) => [String(name), String(hash)]));
  const names = new Set(functions.map(({ name }) => name));
  return {
    changed: functions.filter(({ name, hash }) => known.get(name) !== hash),
    gone: [...known.keys()].filter((name) => !names.has(name)),
  };
}

/** Puts the functions that differ, with their triggers, and takes away those that are no more. */
export async function replaceFunctions(run: Run, { changed, gone }: FunctionChanges): Promise<void> {
  for (const { name, text, hash } of changed) {
    await run(text);
    for (const { signature } of await run(former(name))) await run(`drop function ${signature} cascade`);
    await run(`insert into novact_function (name, hash, schema) values ('${name}', '${hash}', '${newestMigration}')
      on conflict (name) do update set hash = excluded.hash, schema = excluded.schema`);
  }
  for (const name of gone) {
    await run(`drop function if exists ${name} cascade`);
    await run(`delete from novact_function where name = '${name}'`);
  }
}
