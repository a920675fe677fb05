/**
 * The living processes of a cluster, found in the kernel's table by their arguments, whether `up` started
 * them or a person by hand. A process is identified by pid and start time: a signal never reaches a later
 * process with the same pid. Arguments are read only of processes that may be the cluster's by what the
 * kernel says of them; one that does not answer is unknown, and must never be taken for one that has ended.
 */
import { existsSync, readlinkSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { parseTombstone } from "../../actors/node/machine/file.ts";
import { type ClusterConfig, statePaths } from "../config/config.ts";
import { hostIdOf } from "../config/host-id.ts";
import { guestOfArgv } from "../drivers/guest-of-argv.ts";
import { ArgumentReader } from "../drivers/process-arguments.ts";
import { findProcesses, type ProcessFacts, readProcess } from "../drivers/process-table.ts";
import { isProgramFile } from "../package/program-files.ts";
import { findProved } from "../process/owned-process.ts";
import type { Parties } from "./plan.ts";

export interface GuestParty {
  readonly process: ProcessFacts;
  readonly hostId: string;
  readonly instanceId: string;
  readonly ownerEpoch: number;
}

/** The names that a fault may have as its target, whether their processes live at the moment or not. */
export function partiesOf(config: ClusterConfig): Parties {
  return {
    controllers: Array.from({ length: config.controllers }, (_, index) => `controller-${index + 1}`),
    nodes: config.nodes.map(({ name }) => name),
    realNodes: config.nodes.filter(({ pretends }) => !pretends).map(({ name }) => name),
    projects: config.projects,
  };
}

/** What is broken is busy, and so is its computer: a ms is usual, and seconds are no sign of an end. */
const patienceMs = 10_000;
const reader = new ArgumentReader({ atOnce: 2, patienceMs });

export interface Found<Party> {
  readonly found: readonly Party[];
  /** Processes that may belong to them, and did not answer. */
  readonly unread: readonly ProcessFacts[];
}

/** The living processes of a name; PostgreSQL has many, the first of which is the parent of the others. */
export async function processesOf(config: ClusterConfig, name: string): Promise<readonly ProcessFacts[]> {
  return (await lookFor(config, name)).found;
}

/** The living processes of a name, and processes whose arguments nobody could read in time. */
export async function lookFor(config: ClusterConfig, name: string): Promise<Found<ProcessFacts>> {
  const proof = { nats: statePaths(config).nats, postgres: statePaths(config).postgres }[name];
  if (proof !== undefined)
    return { found: await serverOf(join(proof, "process.json"), name === "postgres"), unread: [] };
  const { found, unread } = await rolesOf(config);
  return { found: found.filter(({ argv }) => isRole(argv, name)), unread };
}

/** All controllers and agents of the cluster. */
async function rolesOf(config: ClusterConfig): Promise<Found<ProcessFacts>> {
  const all = await findProcesses(
    () => true,
    ({ pid }) => runsNode(pid),
    reader,
  );
  const hasEntry = ({ argv }: ProcessFacts) => argv.some((argument) => isProgramFile(argument, "main"));
  const found = all.filter((facts) => hasEntry(facts) && configOf(facts) === config.file);
  return { found, unread: all.filter(({ unread }) => unread) };
}

const runtimes: ReadonlySet<string> = new Set([basename(process.execPath), "node", "nodejs"]);

const runsNode = (pid: number): boolean =>
  runtimes.has(basename(linkOf(pid, "exe").replace(/ \(deleted\)$/, "")));

/** Empty: it has ended, or is another user's. The kernel answers, whatever the process does. */
function linkOf(pid: number, name: "exe" | "cwd"): string {
  try {
    return readlinkSync(`/proc/${pid}/${name}`);
  } catch {
    return "";
  }
}

async function serverOf(proofFile: string, withChildren: boolean): Promise<readonly ProcessFacts[]> {
  const proof = findProved(proofFile);
  if (proof === undefined) return [];
  const children = withChildren ? await childrenOf(proof.pid) : [];
  const wanted = await Promise.all([proof.pid, ...children].map((pid) => readProcess(pid, reader)));
  return wanted.filter((facts) => facts !== undefined);
}

/** The children of all threads of a process. Source: proc(5), /proc/PID/task/TID/children. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const file = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(file)) return [];
  return (await readFile(file, "utf8")).trim().split(" ").filter(Boolean).map(Number);
}

function isRole(argv: readonly string[], name: string): boolean {
  const entry = argv.findIndex((argument) => isProgramFile(argument, "main"));
  if (entry < 0) return false;
  const role = argv.slice(entry + 1);
  if (role.includes("controller")) return name === `controller-${Number(optionOf(role, "--index") ?? 0) + 1}`;
  return role.includes("compute") && optionOf(role, "--name") === name;
}

function optionOf(argv: readonly string[], name: string): string | undefined {
  const joined = argv.find((argument) => argument.startsWith(`${name}=`));
  if (joined !== undefined) return joined.slice(name.length + 1);
  const at = argv.indexOf(name);
  return at < 0 ? undefined : argv[at + 1];
}

/**
 * The configuration that a process was started with; without the option, the default one of the checkout of
 * its program, or for a program of the package that of its directory.
 */
function configOf({ argv, cwd }: ProcessFacts): string {
  const named = optionOf(argv, "--config");
  if (named !== undefined) return resolve(cwd, named);
  const entry = argv.find((argument) => isProgramFile(argument, "main")) ?? "";
  return entry.endsWith(".ts")
    ? resolve(cwd, entry, "..", "..", "cluster.yaml")
    : resolve(cwd, "cluster.yaml");
}

/** The living process of each name at the moment; for PostgreSQL the first one. */
export async function livingParties(config: ClusterConfig): Promise<ReadonlyMap<string, ProcessFacts>> {
  const { controllers, nodes } = partiesOf(config);
  const living = new Map<string, ProcessFacts>();
  for (const facts of (await rolesOf(config)).found) {
    const name = [...controllers, ...nodes].find((one) => isRole(facts.argv, one));
    if (name !== undefined) living.set(name, facts);
  }
  for (const server of ["nats", "postgres"] as const) {
    const proof = findProved(join(statePaths(config)[server], "process.json"));
    const facts = proof === undefined ? undefined : await readProcess(proof.pid, reader);
    if (facts !== undefined) living.set(server, facts);
  }
  return living;
}

/** The living processes of guests of the cluster's nodes, by instance, where a driver knows them. */
export async function guestsOf(config: ClusterConfig): Promise<readonly GuestParty[]> {
  return (await lookForGuests(config)).found;
}

/** The same, with the processes in directories of guests that did not say whose they are. */
export async function lookForGuests(config: ClusterConfig): Promise<Found<GuestParty>> {
  const homes = config.nodes
    .filter(({ pretends }) => !pretends)
    .map(({ name }) => ({
      directory: `${statePaths(config).node(name)}/`,
      hostId: hostIdOf(config, name),
    }));
  const isInside = ({ pid }: { readonly pid: number }) => {
    const cwd = linkOf(pid, "cwd");
    return homes.some(({ directory }) => cwd.startsWith(directory));
  };
  const all = await findProcesses(() => true, isInside, reader);
  const found = all
    .flatMap((process) => {
      const home = homes.find(({ directory }) => process.cwd.startsWith(directory));
      const guest = guestOfArgv(process.argv);
      if (home === undefined || guest === undefined) return [];
      const { instanceId, ownerEpoch } = guest;
      return [{ process, hostId: home.hostId, instanceId, ownerEpoch }];
    })
    .sort((left, right) => (left.instanceId < right.instanceId ? -1 : 1));
  return { found, unread: all.filter(({ unread }) => unread) };
}

/** Directories and machine files on the nodes whose guests are processes. */
export async function remainsOf(config: ClusterConfig) {
  const found: { hostId: string; instanceId: string; what: string }[] = [];
  for (const { name, pretends } of config.nodes) {
    if (pretends) continue;
    const hostId = hostIdOf(config, name);
    for (const [folder, what] of [
      ["guests", "directory"],
      ["machines", "machine file"],
    ] as const) {
      const directory = join(statePaths(config).node(name), folder);
      if (!existsSync(directory)) continue;
      for (const entry of await readdir(directory)) {
        const [instanceId = ""] = entry.split(".");
        if (!/^[0-9a-f-]{36}$/.test(instanceId)) continue;
        if (folder === "machines" && (await isTombstone(instanceId, join(directory, entry)))) continue;
        found.push({ hostId, instanceId, what });
      }
    }
  }
  return found;
}

/**
 * True for the machine file of a deleted machine, which is kept for a day on purpose and is no leak. A file
 * that cannot be read is a leak.
 */
async function isTombstone(instanceId: string, file: string): Promise<boolean> {
  try {
    return parseTombstone(instanceId, JSON.parse(await readFile(file, "utf8"))) !== undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code !== undefined) return false;
    throw error;
  }
}
