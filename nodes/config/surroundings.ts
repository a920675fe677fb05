/**
 * What the configuration says of the computer that it is for: directories that are there or can be made, and
 * capacities that leave something. Asked by whoever is about to run a cluster here, before anything is
 * started; a client elsewhere does not care. It makes the state directory and nothing else, and must never
 * wait: a recursive mkdir of Node's spins for ever on /proc.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fieldLimits } from "../../protocol/limits/fields.ts";
import type { ClusterConfig, NodeConfig } from "./config.ts";
import { ConfigError } from "./errors.ts";
import { check, type Finding } from "./explain.ts";
import { type ClusterFile, ClusterSchema } from "./schema.ts";

type Path = readonly (string | number)[];
type At = (path: Path, message: string) => Finding;

/**
 * Makes the state directory, if all that the configuration says of this computer is right.
 * @throws ConfigError with the line of each mistake
 */
export function checkSurroundings(config: ClusterConfig): void {
  const checked = check<ClusterFile>(readFileSync(config.file, "utf8"), ClusterSchema);
  if (!checked.ok) throw new ConfigError(config.file, checked.findings);
  const file = checked.value;
  const at: At = (path, message) => ({
    line: checked.lineOf(path),
    message: `${path.join(".")}: ${message}`,
  });
  const findings = [
    ...config.imageDirectories.flatMap((directory, index) =>
      isDirectory(directory)
        ? []
        : [at(["imageDirectories", index], `${directory} is not a directory. Make it, or remove it here.`)],
    ),
    ...config.nodes.flatMap((node, index) => [
      ...sharedFindings(
        node,
        config.stateDirectory,
        ownsShared(file, index) ? ["nodes", index, "sharedDirectory"] : ["sharedDirectory"],
        at,
      ),
      ...reservedFindings(node, file.nodes?.[index]?.reserved ?? {}, index, at),
    ]),
  ];
  if (findings.length > 0) throw new ConfigError(config.file, unique(findings));
  const obstacle = makeStateDirectory(config.stateDirectory) ?? closedTo(config);
  if (obstacle !== undefined) throw new ConfigError(config.file, [at(["stateDirectory"], obstacle)]);
}

const ownsShared = (file: ClusterFile, index: number): boolean =>
  file.nodes?.[index]?.sharedDirectory !== undefined;

/** One finding where several nodes have the same directory. */
const unique = (findings: readonly Finding[]): readonly Finding[] =>
  findings.filter(
    (one, index) =>
      findings.findIndex(({ line, message }) => line === one.line && message === one.message) === index,
  );

function sharedFindings(
  { sharedDirectory }: NodeConfig,
  stateDirectory: string,
  path: Path,
  at: At,
): readonly Finding[] {
  const inTheWay = sharedDirectory === undefined ? undefined : notDirectoryOn(sharedDirectory);
  // What is in the way of the state directory as well is told of that.
  if (inTheWay === undefined || `${stateDirectory}/`.startsWith(`${inTheWay}/`)) return [];
  return [at(path, `${inTheWay} is not a directory. Name one that nodes can share, or none.`)];
}

const units = { vcpus: "CPUs", memoryMib: "MiB of memory", diskGib: "GiB of disk" } as const;
const atLeast = { vcpus: 1, memoryMib: fieldLimits.memoryMibMin, diskGib: 1 } as const;

/** What is reserved must leave something for instances. */
function reservedFindings(
  { capacity }: NodeConfig,
  reserved: Readonly<Partial<Record<keyof typeof units, number>>>,
  index: number,
  at: At,
): readonly Finding[] {
  return (Object.keys(units) as (keyof typeof units)[]).flatMap((key) => {
    const kept = reserved[key] ?? 0;
    if (kept === 0 || capacity[key] >= atLeast[key]) return [];
    const message = `when ${kept} ${units[key]} are kept, the node has none left for instances. Reserve fewer.`;
    return [at(["nodes", index, "reserved", key], message)];
  });
}

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** The first thing on the way to a path that is there and is no directory. */
function notDirectoryOn(path: string): string | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined) return found.isDirectory() ? undefined : path;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOTDIR") throw error;
  }
  return notDirectoryOn(dirname(path));
}

/**
 * Makes the directory with those above it, and opens it for the users of guests and PostgreSQL where we are
 * root. Answers what is in the way; undefined: it is there and can be written to.
 * @throws Error when the disk is full
 */
export function makeStateDirectory(path: string): string | undefined {
  try {
    makeDirectory(path);
    const mode = statSync(path).mode & 0o777;
    if (process.getuid?.() === 0 && (mode & 0o011) !== 0o011) chmodSync(path, mode | 0o011);
    const probe = join(path, `.probe-${process.pid}`);
    writeFileSync(probe, "", { mode: 0o600 });
    rmSync(probe);
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || code === "ENOSPC" || code === "EDQUOT") throw error;
    return `${path} cannot be used (${message}). Name a directory on a disk, in which we may write.`;
  }
}

/** What keeps the users of guests and PostgreSQL from the state directory, where they are others than we. */
function closedTo({ stateDirectory, nodes, postgres }: ClusterConfig): string | undefined {
  const others = postgres.url === undefined || nodes.some(({ pretends }) => !pretends);
  const closed = others && process.getuid?.() === 0 ? closedAbove(stateDirectory) : undefined;
  if (closed === undefined) return undefined;
  return (
    `guests and PostgreSQL run as users of their own and cannot reach ${stateDirectory}: ${closed} is closed to ` +
    `them. Type: chmod o+x ${closed}; or name another directory.`
  );
}

/** One level after the other: each is made or refused at once. */
function makeDirectory(path: string): void {
  if (isDirectory(path)) return;
  if (!existsSync(path)) makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o711 });
  } catch (error) {
    // Another process may have been faster.
    if (!isDirectory(path)) throw error;
  }
}

/** The directory above, nearest to the root, that others may not pass through. */
function closedAbove(path: string): string | undefined {
  const above = dirname(path);
  if (above === path) return undefined;
  return closedAbove(above) ?? ((statSync(above).mode & 0o001) === 0 ? above : undefined);
}
