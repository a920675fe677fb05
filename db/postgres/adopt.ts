/**
 * Databases that were made before the first release: one that has exactly the tables of the first release is
 * taken over, any other is refused. It must never change a table.
 */

import { statements as release } from "../migrations/0001-release.ts";
import { unavailable } from "./failure.ts";
import type { Run } from "./functions.ts";
import { tablesText } from "./schema-text.ts";

/** The chain of migrations that the first release replaced began and ended with these. */
const [oldest, last] = ["0001-tables", "0010-placement"];

/**
 * @param executed the names in novact_migration
 * @throws UNAVAILABLE storeUnavailable when it is older than what can be taken over
 */
export async function adopt(run: Run, executed: readonly string[]): Promise<void> {
  if (!executed.includes(oldest)) return;
  if (!executed.includes(last) || !(await hasReleasedTables(run)))
    throw unavailable(
      "The database was made by a version before the first release: remove the state directory, " +
        "or give this cluster a database of its own.",
    );
  await run(`delete from novact_migration where name between '${oldest}' and '${last}'`);
  await run("insert into novact_migration (name, executed_at) values ('0001-release', now())");
  // Nobody knows their texts: all of them are put there anew, or taken away.
  await run(`insert into novact_function (name, hash, schema)
    select proname, '', '' from pg_proc
      where pronamespace = current_schema()::regnamespace and proname like 'novact\\_%'`);
}

/** Compares with tables that are made for it, in a schema of their own, by the same PostgreSQL. */
async function hasReleasedTables(run: Run): Promise<boolean> {
  const found = await tablesText(run);
  await run("create schema novact_released; set local search_path = novact_released");
  for (const statement of release) await run(statement);
  const released = await tablesText(run);
  await run("set local search_path = default; drop schema novact_released cascade");
  return found === released;
}
