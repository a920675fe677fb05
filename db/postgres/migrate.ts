/**
 * Brings the tables of a database up to date. One controller at a time: the others wait for an advisory lock,
 * and find nothing left to do. Migrations only go forward.
 */
import { Migrator } from "@mikro-orm/migrations";
import type { MikroORM } from "@mikro-orm/postgresql";
import type { Log } from "../../protocol/wire/transport.ts";

/** Any number, the same in every controller of every version. */
const migrationLock = 7_106_001;

/**
 * What the ORM needs to know of migrations: they are listed in db/migrations/index.ts, none is looked for.
 */
export const migrationOptions = {
  tableName: "novact_migration",
  snapshot: false,
  silent: true,
  allOrNothing: true,
} as const;

/** @param orm with at least two connections: one holds the lock, the other migrates */
export async function migrate(orm: MikroORM, log: Log): Promise<void> {
  const connection = orm.em.getConnection();
  await connection.transactional(async (lock) => {
    await connection.execute(`select pg_advisory_xact_lock(${migrationLock})`, [], "all", lock);
    const migrator = new Migrator(orm.em);
    const pending = await migrator.getPending();
    if (pending.length === 0) return;
    log.info({ migrations: pending.map(({ name }) => name) }, "Bringing the tables up to date.");
    await migrator.up();
  });
}
