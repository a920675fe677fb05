/**
 * A PostgreSQL of our own: the installed server program on a data directory of ours, for 127.0.0.1 only, with
 * a generated password. Debian's own cluster, its port and its configuration are never touched.
 *
 * Layout of the directory: `data/` (PostgreSQL's, owned by the user it runs as), `password` and
 * `process.json` (ours). Durability is never switched off: an acknowledged commit must survive a power loss
 * (I4).
 */
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { ownServerConnections } from "../config/postgres-connections.ts";
import { endProcess, isAlive, proofOf } from "../process/owned-process.ts";
import { readStateFile, StateFileError, syncDirectoryOf, writeStateFile } from "../process/state-file.ts";
import { mustRun, type Stop } from "../setup/run-command.mjs";
import { upLimits } from "./limits.ts";
import {
  clearLeftover,
  freePort,
  type RunningServer,
  ServerStartError,
  startServerProcess,
} from "./server-process.ts";

const superuser = "novact";
const installedUnder = "/usr/lib/postgresql";

export interface PostgresOptions {
  readonly directory: string;
  /** Port to listen on; 0: any free one. */
  readonly port: number;
  readonly logFile: string;
  readonly database: string;
  /** Connections that the server takes. Absent: as many as for one controller. */
  readonly connectionsMax?: number;
  /** See ServerProgram.diesWithUs. */
  readonly diesWithUs?: boolean;
  readonly stop?: Stop;
}

export interface PostgresServer extends RunningServer {
  /**
   * Has the log that was written turned into log that can be written, as a full disk has no room for more of
   * it. Never rejects.
   */
  makeRoom(): Promise<void>;
  /** Makes a new, empty database; answers its URL. */
  createDatabase(name: string): Promise<string>;
}

/** The directory of the programs of the newest installed server, or undefined. */
export function findPostgres(under = installedUnder): string | undefined {
  if (!existsSync(under)) return undefined;
  const versions = readdirSync(under)
    .map(Number)
    .filter((version) => existsSync(join(under, String(version), "bin", "initdb")));
  const newest = Math.max(...versions);
  return Number.isFinite(newest) ? join(under, String(newest), "bin") : undefined;
}

/** Starts the server; makes the data directory on the first start. @throws ServerStartError */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const programs = findPostgres();
  if (programs === undefined) {
    throw new ServerStartError(
      `No PostgreSQL server is installed under ${installedUnder}: install postgresql.`,
    );
  }
  const user = await serverUser();
  const data = join(options.directory, "data");
  const proofFile = join(options.directory, "process.json");
  mkdirSync(options.directory, { recursive: true, mode: 0o711 });
  chmodSync(options.directory, 0o711);
  await clearFormerRun(data, proofFile);
  const password = readOrMakePassword(join(options.directory, "password"), existsSync(data));
  const { stop } = options;
  if (!existsSync(data)) await initialise({ programs, data, password, user, stop });
  const port = options.port === 0 ? await freePort() : options.port;
  const server = await startServerProcess({
    name: "PostgreSQL",
    program: join(programs, "postgres"),
    arguments: ["-D", data, ...settings(port, options.connectionsMax ?? ownServerConnections(1))],
    ownArgument: data,
    proofFile,
    logFile: options.logFile,
    directory: options.directory,
    environment: { PATH: process.env.PATH ?? "", LC_ALL: "C.UTF-8", TZ: "UTC" },
    diesWithUs: options.diesWithUs ?? false,
    ...(user === undefined ? {} : { user }),
    stopSignal: "SIGINT",
    // PostgreSQL's "immediate": the server's children end with it, and the next start recovers.
    killSignal: "SIGQUIT",
    stop: options.stop,
    ready: async (pid) => isReady(data, pid),
  });
  const urlOf = (database: string) => `postgresql://${superuser}:${password}@127.0.0.1:${port}/${database}`;
  const access = { programs, port, password, stop };
  const createDatabase = async (name: string): Promise<string> => {
    await createIfMissing(access, name);
    return urlOf(name);
  };
  let url: string;
  try {
    url = await createDatabase(options.database);
    await reserveLog(access, join(data, "pg_wal"));
  } catch (thrown) {
    // Nobody else knows of it yet: a Ctrl-C now must not leave it behind.
    await server.stop();
    throw thrown;
  }
  const makeRoom = async () => {
    await psql(access, "checkpoint").catch(() => undefined);
  };
  return { name: "PostgreSQL", port, ...server, url, createDatabase, makeRoom };
}

/**
 * Has segments of the log written ahead: PostgreSQL ends when it needs a new one on a full disk. It turns old
 * segments into future ones with each checkpoint, and keeps as many as min_wal_size says.
 */
async function reserveLog(access: ServerAccess, directory: string): Promise<void> {
  const switched = "select pg_switch_wal() from pg_logical_emit_message(false, 'novact', 'ahead')";
  const there = readdirSync(directory).filter((name) => /^[0-9A-F]{24}$/.test(name)).length;
  const missing = upLimits.walSegmentsMin - there;
  if (missing <= 0) return;
  const made = async () => {
    for (let number = 0; number < missing; number += 1) await psql(access, switched);
    await psql(access, "checkpoint");
  };
  // On a disk without room for the segments PostgreSQL runs without them.
  await made().catch(() => undefined);
}

/**
 * True when the last line of postmaster.pid says ready, and the first has the pid; pg_ctl checks the same.
 */
function isReady(data: string, pid: number): boolean {
  const lines = postmasterLines(data);
  return Number(lines[0]) === pid && lines.at(-1)?.trim() === "ready";
}

function postmasterLines(data: string): readonly string[] {
  const file = join(data, "postmaster.pid");
  return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
}

/**
 * Ends the server of a killed run. Our own proof may be missing when we were killed at the wrong moment; then
 * PostgreSQL's lock file names the process. A lock file whose process is no server on this directory is
 * stale: after a restart of the computer the pid may belong to any process, and PostgreSQL would refuse to
 * start.
 */
async function clearFormerRun(data: string, proofFile: string): Promise<void> {
  await clearLeftover(proofFile, "SIGINT");
  const pid = Number(postmasterLines(data)[0] ?? 0);
  if (pid === 0) return;
  const proof = proofOf(pid, data);
  if (proof?.program === "postgres" && isAlive(proof)) {
    await endProcess(proof, { signal: "SIGINT", patienceMs: upLimits.serverStopTimeoutMs });
  }
  rmSync(join(data, "postmaster.pid"), { force: true });
}

/**
 * Small settings, because PostgreSQL shares the computer with guests; measured on Debian 12: about 30 MiB in
 * total when idle.
 */
function settings(port: number, connectionsMax: number): readonly string[] {
  const values: Readonly<Record<string, string>> = {
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: String(connectionsMax),
    shared_buffers: "32MB",
    huge_pages: "off",
    max_wal_size: "256MB",
    min_wal_size: "80MB",
    wal_level: "minimal",
    max_wal_senders: "0",
    max_worker_processes: "2",
    max_parallel_workers: "0",
    max_parallel_workers_per_gather: "0",
    autovacuum_max_workers: "1",
    max_logical_replication_workers: "0",
    jit: "off",
    password_encryption: "scram-sha-256",
    log_min_messages: "fatal",
    log_min_error_statement: "panic",
    log_checkpoints: "off",
    timezone: "UTC",
  };
  return Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** The user to run PostgreSQL as: PostgreSQL refuses to run as root, so then it is the package's own user. */
async function serverUser(): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const entry = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((line) => line.startsWith("postgres:"));
  const [, , uid, gid] = entry?.split(":") ?? [];
  if (uid === undefined || gid === undefined) {
    throw new ServerStartError(
      "There is no user postgres to run PostgreSQL as: install Debian's postgresql.",
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}

/** @throws StateFileError when the file is damaged, or missing though there is a database already */
function readOrMakePassword(file: string, hasData: boolean): string {
  const advice =
    "It holds the only copy of the database's password. Restore it from a backup. Without it the database " +
    `cannot be opened; rm -r ${dirname(file)} forgets everything that was in it.`;
  const known = readStateFile(file, { pattern: /^[0-9a-f]{48}$/, advice });
  if (known !== undefined) return known;
  if (hasData) throw new StateFileError(`${file} is missing. ${advice}`);
  const password = randomBytes(24).toString("hex");
  writeStateFile(file, `${password}\n`);
  return password;
}

interface Initialisation {
  readonly programs: string;
  readonly data: string;
  readonly password: string;
  readonly user: ServerUser | undefined;
  readonly stop: Stop | undefined;
}

/**
 * Makes the data directory beside its place and renames it, so that a start that is killed half-way leaves no
 * partial one.
 */
async function initialise({ programs, data, password, user, stop }: Initialisation): Promise<void> {
  const fresh = `${data}.new`;
  const passwordFile = `${data}.password`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) {
    chownSync(fresh, user.uid, user.gid);
    chownSync(passwordFile, user.uid, user.gid);
  }
  const how = ["--username", superuser, "--pwfile", passwordFile, "--auth", "scram-sha-256"];
  try {
    await mustRun(join(programs, "initdb"), ["-D", fresh, ...how, "--encoding=UTF8", "--no-locale"], {
      ...user,
      cwd: "/",
      stop,
    });
  } catch (error) {
    if (stop?.first.aborted === true) throw error;
    throw new ServerStartError(
      `PostgreSQL's data directory ${data} could not be made. ${(error as { stderr?: string }).stderr ?? error}\n` +
        "If it says permission denied: the user that runs PostgreSQL must be able to reach the directory; " +
        "choose another stateDirectory in cluster.yaml.",
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(fresh, data);
  syncDirectoryOf(data);
}

interface ServerAccess {
  readonly programs: string;
  readonly port: number;
  readonly password: string;
  readonly stop: Stop | undefined;
}

/** Runs a statement as the superuser; answers what it prints. */
async function psql({ programs, port, password, stop }: ServerAccess, statement: string): Promise<string> {
  const env = { PATH: process.env.PATH ?? "", PGPASSWORD: password };
  const { stdout } = await mustRun(
    join(programs, "psql"),
    ["-h", "127.0.0.1", "-p", String(port), "-U", superuser, "-d", "postgres", "-XAtqc", statement],
    { env, cwd: "/", stop },
  );
  return stdout.trim();
}

async function createIfMissing(access: ServerAccess, name: string): Promise<void> {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new ServerStartError(`${name} is not a name for a database.`);
  if ((await psql(access, `select 1 from pg_database where datname = '${name}'`)) === "")
    await psql(access, `create database ${name}`);
}
