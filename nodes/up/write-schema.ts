/**
 * `npm run schema`: writes db/schema.sql, the sum of what migrations and functions make of an empty database.
 * It starts a PostgreSQL of its own in a temporary directory and ends it; no other server is touched. Run it
 * after a change of db/migrations or db/sql, and read the difference.
 */
import "../process/umask.ts";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../db/postgres/connect.ts";
import { readSchema } from "../../db/postgres/read-schema.ts";
import { systemClock } from "../process/clock.ts";
import { startPostgres } from "./postgres.ts";

const target = join(import.meta.dirname, "../../db/schema.sql");
const silent = () => undefined;
const log = { debug: silent, info: silent, warn: console.warn, error: console.error };

const directory = mkdtempSync(join(tmpdir(), "novact-schema-"));
chmodSync(directory, 0o711);
const logFile = join(directory, "log");
try {
  const parts = { directory: join(directory, "postgres"), port: 0, logFile, diesWithUs: true };
  const server = await startPostgres({ ...parts, database: "novact" });
  try {
    await (await openStore({ url: server.url, clock: systemClock, log })).close();
    writeFileSync(target, await readSchema(server.url));
  } finally {
    await server.stop();
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
