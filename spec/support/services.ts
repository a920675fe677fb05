/**
 * Real servers for live specs: one throwaway PostgreSQL and one throwaway NATS per mocha process, started
 * when the first spec asks, on free ports, in a temporary directory that goes away with them. The kernel ends
 * them if mocha is killed. Nothing of an installed server's own data is touched.
 *
 *   const url = await postgresUrl(this);   // in a `before(async function () { … })`
 *
 * Without a server installed it skips the spec, and says so.
 */
import { chmodSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "mocha";
import { findNatsServer, startNatsServer } from "../../nodes/up/nats-server.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../../nodes/up/postgres.ts";
import type { RunningServer } from "../../nodes/up/server-process.ts";
import { noteSkip } from "./skipped.ts";

let directory: string | undefined;
let postgres: Promise<PostgresServer> | undefined;
let nats: Promise<RunningServer> | undefined;
let databases = 0;

/** A directory for the whole run; everybody may pass through it, since PostgreSQL runs as another user. */
function place(name: string): string {
  if (directory === undefined) {
    directory = mkdtempSync(join(tmpdir(), "novact-spec-"));
    chmodSync(directory, 0o711);
  }
  return join(directory, name);
}

/**
 * A fresh, empty database. Skips the spec, with the reason printed, when no PostgreSQL server is installed.
 */
export async function postgresUrl(context?: Mocha.Context): Promise<string> {
  if (findPostgres() === undefined) return skip(context, "no PostgreSQL server is installed (postgresql)");
  postgres ??= startPostgres({
    directory: place("postgres"),
    port: 0,
    logFile: `${place("postgres")}.log`,
    database: "novact",
    diesWithUs: true,
  });
  databases += 1;
  return (await postgres).createDatabase(`spec_${databases}`);
}

/** A NATS server on which everybody may do everything. Skips the spec when nats-server is not installed. */
export async function natsUrl(context?: Mocha.Context): Promise<string> {
  if (findNatsServer() === undefined) return skip(context, "no NATS server is installed (nats-server)");
  nats ??= startNatsServer({
    directory: place("nats"),
    port: 0,
    logFile: `${place("nats")}.log`,
    access: { cell: "main", hosts: [], projects: ["demo"], anonymous: "controller" },
    diesWithUs: true,
  });
  return (await nats).url;
}

/** Says that a spec shows less than it could, and what makes it show all. */
export function shortened(what: string, whole: string): void {
  console.warn(`SHORTENED: ${what}; ${whole} for the whole`);
}

/** Says why, in the output and to the reporter, and skips. Never returns. */
export function skip(context: Mocha.Context | undefined, reason: string): never {
  console.warn(`SKIPPED: ${reason}`);
  if (context === undefined) throw new Error(`This spec cannot run here: ${reason}.`);
  const runnable = context.runnable();
  // A hook before all skips its whole suite; mocha has the first test as the current one then.
  const beforeAll = runnable.title.startsWith('"before all"');
  const scope = beforeAll ? runnable.parent : (context.currentTest ?? runnable);
  if (scope !== undefined) noteSkip(scope, reason);
  context.skip();
  throw new Error("mocha's skip returned");
}

after(async function () {
  this.timeout(60_000);
  await Promise.all([postgres, nats].map(async (server) => (await server)?.stop()));
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});
