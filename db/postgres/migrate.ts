/**
 * Brings a database up to date: first its tables, by the migrations that it has not seen, then its functions
 * (db/postgres/functions.ts), all of it in one transaction. One controller at a time: the others wait for an
 * advisory lock, and find nothing left to do. Migrations only go forward.
 */
import { Migrator } from "@mikro-orm/migrations";
import type { MikroORM } from "@mikro-orm/postgresql";
import type { Log } from "../../protocol/wire/transport.ts";
import { breakingMigrations, migrations, newestMigration } from "../migrations/index.ts";
import { adopt } from "./adopt.ts";
import { outdatedSentence, unavailable } from "./failure.ts";
import { functionChanges, functionTable, type Run, replaceFunctions, sqlFunctions } from "./functions.ts";

/** Any number, the same in every controller of every version. */
const migrationLock = 7_106_001;

/** Migrations that older controllers must not go on after; novact_commit looks into it. */
const breakingTable = `create table if not exists novact_breaking (name text collate "C" primary key)`;

/**
 * What the ORM needs to know of migrations: they are listed in db/migrations/index.ts, none is looked for.
 */
export const migrationOptions = {
  tableName: "novact_migration",
  snapshot: false,
  silent: true,
  allOrNothing: true,
} as const;

/**
 * @param orm with at least two connections: one migrates, the other looks whether there are migrations
 * @throws UNAVAILABLE storeUnavailable when the database is too old, or too new, for this version
 */
export async function migrate(orm: MikroORM, log: Log): Promise<void> {
  const connection = orm.em.getConnection();
  await connection.transactional(async (transaction) => {
    const run: Run = (text) => connection.execute(text, [], "all", transaction);
    await run(`select pg_advisory_xact_lock(${migrationLock})`);
    await run(`${functionTable}; ${breakingTable}`);
    await adopt(run, await executedIn(run));
    const executed = await executedIn(run);
    await refuseWhenOutdated(run);
    const pending = migrations.filter(({ name }) => !executed.includes(name)).map(({ name }) => name);
    if (pending.length > 0) {
      log.info({ migrations: pending }, "Bringing the tables up to date.");
      await standInLine(run);
      await new Migrator(orm.em).up({ transaction });
      for (const name of breakingMigrations)
        await run(`insert into novact_breaking (name) values ('${name}') on conflict do nothing`);
    }
    const newer = executed.filter((name) => name > newestMigration);
    if (newer.length > 0) {
      log.warn({ migrations: newer }, "The database is of a newer version; its functions stay.");
      return;
    }
    const changes = await functionChanges(run, sqlFunctions());
    const functions = [...changes.changed.map(({ name }) => name), ...changes.gone];
    if (functions.length === 0) return;
    await standInLine(run);
    await replaceFunctions(run, changes);
    log.info({ functions }, "Brought the functions up to date.");
  });
}

async function executedIn(run: Run): Promise<readonly string[]> {
  const [found] = await run("select to_regclass('novact_migration') as name");
  if (found?.name === null) return [];
  return (await run("select name from novact_migration")).map(({ name }) => String(name));
}

async function refuseWhenOutdated(run: Run): Promise<void> {
  const unknown = await run(
    `select name from novact_breaking where name > '${newestMigration}' order by name`,
  );
  if (unknown.length > 0) throw unavailable(outdatedSentence);
}

/** Waits behind the commits at once: with some tables locked and others not, it could block one half-way. */
async function standInLine(run: Run): Promise<void> {
  const [found] = await run("select to_regclass('event_head') as name");
  if (found?.name !== null) await run("select from event_head for update");
}
