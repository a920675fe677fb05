/**
 * Opens the store: makes the database if it is missing, brings its tables up to date, and connects. Several
 * controllers may do so at the same moment. Every failure says what is wrong and where; no message and no log
 * line has the password.
 */
import { Migrator } from "@mikro-orm/migrations";
import { defineConfig, MikroORM } from "@mikro-orm/postgresql";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import { migrations, newestMigration } from "../migrations/index.ts";
import { entities } from "../tables/index.ts";
import { CommitWriter } from "./commit-writer.ts";
import { type ConnectionsNeeded, checkConnections } from "./connections.ts";
import { Database } from "./database.ts";
import { connectError, serverError, unavailable } from "./failure.ts";
import { postgresLimits } from "./limits.ts";
import { migrate, migrationOptions } from "./migrate.ts";
import { PostgresStore } from "./store.ts";
import type { StoreMeter } from "./store-meter.ts";

export interface OpenStoreOptions {
  /** `postgresql://user:password@host:port/database` */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Called once, when a newer version has changed the database so that this one must not go on: nothing is
   * committed any more.
   */
  readonly onOutdated?: (sentence: string) => void;
  /** How many connections this store may open; absent: storeConnectionsMax. */
  readonly connectionsMax?: number;
  /** What the configured controllers may open together. Absent: it is not asked whether there is so much. */
  readonly together?: ConnectionsNeeded;
  /** Absent: nobody counts. */
  readonly meter?: StoreMeter | undefined;
}

/** What the statements were written for and are tested with; older versions may lack something. */
const oldestVersion = 15;

/** @throws UNAVAILABLE storeUnavailable, with a sentence that says what is wrong */
export async function openStore(options: OpenStoreOptions): Promise<PostgresStore> {
  const { url, log, together, connectionsMax = postgresLimits.storeConnectionsMax } = options;
  await prepare({ url, place: placeOf(url), log, together });
  return connectStore(options, connectionsMax);
}

/**
 * Connects to a database whose tables are up to date, with at most `connectionsMax` connections. @throws as
 * {@link openStore}
 */
export async function connectStore(
  { url, clock, log, onOutdated, meter }: OpenStoreOptions,
  connectionsMax: number,
): Promise<PostgresStore> {
  const orm = await connect(url, {
    max: connectionsMax,
    statement_timeout: postgresLimits.storeTimeoutMs,
    connectionTimeoutMillis: postgresLimits.storeTimeoutMs,
  });
  const database = await Database.of(orm.em, clock, log);
  const writer = new CommitWriter({ database, clock, log, onOutdated, meter });
  return new PostgresStore({ orm, database, writer });
}

interface Preparation extends Pick<OpenStoreOptions, "url" | "log"> {
  readonly place: Place;
  readonly together: ConnectionsNeeded | undefined;
}

async function prepare({ url, place, log, together }: Preparation): Promise<void> {
  const orm = await connect(url, {
    max: 2,
    lock_timeout: postgresLimits.migrationTimeoutMs,
    connectionTimeoutMillis: postgresLimits.storeOpenTimeoutMs,
  });
  try {
    await reach(orm, url, place, log);
    if (together !== undefined) await checkConnections(orm, place, together);
    await migrate(orm, log);
  } catch (thrown) {
    throw connectError(thrown, place);
  } finally {
    await orm.close(true);
  }
}

/** Connects for the first time: checks the version, and makes the database when there is none. */
async function reach(orm: MikroORM, url: string, place: Place, log: Log): Promise<void> {
  try {
    await checkVersion(orm, place);
  } catch (thrown) {
    if (serverError(thrown)?.code !== "3D000") throw thrown;
    const made = await createDatabase(url, place.database);
    if (made) log.info({ database: place.database }, "Made the database.");
    await checkVersion(orm, place);
  }
}

async function checkVersion(orm: MikroORM, { where }: Place): Promise<void> {
  const [row] = await orm.em
    .getConnection()
    .execute<{ version: string }[]>("select current_setting('server_version_num') as version");
  const version = Math.floor(Number(row?.version) / 10_000);
  if (version < oldestVersion)
    throw unavailable(`PostgreSQL at ${where} has version ${version}; ${oldestVersion} or newer is needed.`);
}

/** False when another controller was faster. */
async function createDatabase(url: string, database: string): Promise<boolean> {
  const maintenance = new URL(url);
  maintenance.pathname = "/postgres";
  const orm = await connect(maintenance.href, {
    max: 1,
    connectionTimeoutMillis: postgresLimits.storeOpenTimeoutMs,
  });
  try {
    await orm.em.getConnection().execute(`create database "${database.replaceAll('"', '""')}"`);
    return true;
  } catch (thrown) {
    const code = serverError(thrown)?.code;
    if (code === "42P04" || code === "23505") return false;
    throw thrown;
  } finally {
    await orm.close(true);
  }
}

interface PoolOptions {
  readonly max: number;
  readonly connectionTimeoutMillis: number;
  readonly statement_timeout?: number;
  readonly lock_timeout?: number;
}

async function connect(url: string, pool: PoolOptions): Promise<MikroORM> {
  return MikroORM.init(ormOptions(url, pool));
}

/** The configuration of MikroORM; nothing connects before the first statement. */
export function ormOptions(url: string, pool: PoolOptions) {
  return defineConfig({
    entities,
    clientUrl: url,
    dbName: placeOf(url).database,
    // The URL again, for what MikroORM does not read of it: sockets and TLS. Compiling plans costs more than
    // it gives. By the newest migration that it knows PostgreSQL tells a controller that is too old.
    driverOptions: {
      connectionString: url,
      application_name: "novact",
      keepAlive: true,
      options: `-c jit=off -c novact.schema=${newestMigration}`,
      ...pool,
    },
    ensureDatabase: false,
    colors: false,
    logger: () => undefined,
    extensions: [Migrator],
    migrations: { ...migrationOptions, migrationsList: migrations },
    schemaGenerator: {
      // Of references it knows only those between entities: db/schema.sql has them.
      createForeignKeyConstraints: false,
      ignoreTriggers: true,
      ignoreRoutines: true,
      skipTables: ["novact_function", "novact_breaking"],
    },
  });
}

interface Place {
  /** Without the password: for messages. */
  readonly where: string;
  readonly user: string;
  readonly database: string;
}

function placeOf(text: string): Place {
  if (!URL.canParse(text)) throw unavailable("The URL of PostgreSQL is not a URL.");
  const url = new URL(text);
  const database = decodeURIComponent(url.pathname.slice(1));
  if (database === "") throw unavailable("The URL of PostgreSQL names no database.");
  const host = url.searchParams.get("host") ?? url.host;
  return { where: `${host}/${database}`, user: decodeURIComponent(url.username), database };
}
