/** A cluster for one benchmark: real NATS, PostgreSQL and processes in a new directory, ended afterwards. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as elapse } from "node:timers/promises";
import { loadConfig, statePaths } from "../config/config.ts";
import { pretendingHypervisor, usualHypervisor } from "../drivers/built-in.ts";
import { guestOfArgv } from "../drivers/guest-of-argv.ts";
import { connect, type Novact } from "../sdk/sdk.ts";
import { type ClusterOptions, startCluster } from "../up/cluster.ts";
import type { Screen } from "../up/screen.ts";

export interface BenchCluster {
  readonly demo: Novact;
  readonly admin: Novact;
  readonly directory: string;
  readonly config: ReturnType<typeof loadConfig>;
  /** Every living process of the cluster, with its role. */
  processes(): readonly ClusterProcess[];
  /** Proportional set size (PSS) in MiB, by role. */
  memory(): Readonly<Record<string, number>>;
}

export interface ClusterProcess {
  readonly pid: number;
  readonly name: "controller" | "compute" | "pretended-hosts" | "nats-server" | "postgres" | "guests";
  /** A guest's instance id; a compute agent's node name; empty for other processes. */
  readonly detail: string;
}

export type GuestKind = "real" | "pretended";
export const hypervisorOf = { real: usualHypervisor, pretended: pretendingHypervisor } as const;

export interface BenchClusterOptions {
  /** `pretended`: nothing of them is on the computer. */
  readonly guests: GuestKind;
  /** Resolves when the tiny guest is built; needed for real guests. */
  readonly guest?: Promise<unknown>;
  readonly accelerator?: "auto" | "tcg";
  /** Number of compute nodes; absent: 2. */
  readonly nodes?: number;
  /** True: nodes have the capacity of an ordinary computer, even when its guests only pretend. */
  readonly ordinary?: boolean;
  /** The nodes' network driver; absent: the one that their hypervisor brings. */
  readonly network?: string;
  /** Nodes beside them whose guests only pretend, with the capacity of such nodes; absent: none. */
  readonly pretendingNodes?: number;
  /** Number of controllers; absent: 1. */
  readonly controllers?: number;
  /** The tenants; absent: `demo` alone. The first one is `demo` of the cluster. */
  readonly projects?: readonly string[];
  /** True: all links pass through a proxy that can be told to break them. */
  readonly chaos?: boolean;
  readonly mayStart?: ClusterOptions["mayStart"];
  /** Receives messages about the cluster's processes; absent: they go to the standard error. */
  readonly say?: Screen["say"];
  /** When aborted, gives the start up. */
  readonly signal?: AbortSignal;
}

const told: Screen["say"] = (text) => process.stderr.write(`  ${text}\n`);

/** Runs `work` with a new cluster, and ends the cluster whatever happens. */
export async function withCluster<T>(
  options: BenchClusterOptions,
  work: (cluster: BenchCluster) => Promise<T>,
): Promise<T> {
  const cluster = await openCluster(options);
  try {
    return await work(cluster);
  } finally {
    await cluster.close();
  }
}

export type OpenCluster = BenchCluster & { close(): Promise<void> };

const ending = new AbortController();
const opened = new Set<Promise<OpenCluster>>();

/** Ends the clusters of this process, those that are starting too; from then on none can start. */
export async function endClusters(): Promise<void> {
  ending.abort(new Error("The benchmark is ended."));
  const ended = [...opened].map(async (opening) => (await opening).close());
  // One that did not start has ended itself, and its benchmark has the error.
  await Promise.allSettled(ended);
}

/**
 * As `withCluster`, for callers that cannot wrap their work; `close` ends everything and removes the
 * directory.
 */
export function openCluster(options: BenchClusterOptions): Promise<OpenCluster> {
  const opening = open(options);
  opened.add(opening);
  return opening;
}

async function open(options: BenchClusterOptions): Promise<OpenCluster> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "novact-bench-")));
  // Guests and PostgreSQL run as other users than root, and must pass through; secret files in it are closed
  // themselves.
  chmodSync(directory, 0o711);
  const file = join(directory, "cluster.yaml");
  writeFileSync(file, clusterFile(options));
  const config = loadConfig(file);
  mkdirSync(statePaths(config).log, { recursive: true, mode: 0o711 });
  const { say = told } = options;
  const screen: Screen = { say, show: say, sinceStartMs: () => performance.now() };
  const { guest = Promise.resolve(), mayStart, signal = ending.signal } = options;
  const stop = { first: AbortSignal.any([signal, ending.signal]), second: new AbortController().signal };
  const chosen = { ...(mayStart && { mayStart }), stop };
  const cluster = await startCluster({ config, screen, guest, ...chosen }).catch((error: unknown) => {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  });
  const remove = async () => {
    cluster.hurry();
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    // A figure of fewer nodes than were asked for is none.
    for (const fault of cluster.broken().values()) throw fault;
    const demo = await connect({ config: file, project: config.projects[0] ?? "demo" });
    const admin = await connect({ config: file, project: "admin" });
    await hostsAlive(admin, config.nodes.length, signal);
    let closing: Promise<void> | undefined;
    const closeAll = async () => {
      await demo.close();
      await admin.close();
      await remove();
    };
    const close = () => {
      closing ??= closeAll();
      return closing;
    };
    const [processes, memory] = [() => processesOf(directory), () => memoryOf(directory)];
    return { demo, admin, directory, config, processes, memory, close };
  } catch (error) {
    await remove();
    throw error;
  }
}

/**
 * The cluster's configuration, with more capacity than any benchmark needs: the capacity of the computer is
 * never measured.
 */
function clusterFile(options: BenchClusterOptions): string {
  const { guests, accelerator, nodes = 2, controllers = 1, chaos = false, ordinary = false } = options;
  const { pretendingNodes = 0, projects = ["demo"], network } = options;
  const networked = network === undefined ? "" : `, network: ${network}`;
  const chosen = accelerator === undefined ? "" : `, accelerator: ${accelerator}`;
  const hypervisor = hypervisorOf[guests];
  const room = guests === "pretended" && !ordinary ? "" : ", vcpus: 64, memoryMib: 65536, diskGib: 4096";
  const node = (index: number) =>
    `  - { name: node-${index + 1}, hypervisor: ${hypervisor}${chosen}${room}${networked} }\n`;
  const servers = "stateDirectory: state\nnats: { port: 0 }\npostgres: { port: 0 }\ndemo: false\n";
  const also = `controllers: ${controllers}\nchaos: { allowed: ${chaos} }\nprojects: [${projects.join(", ")}]\n`;
  const pretending = (index: number) =>
    `  - { name: pretending-${index + 1}, hypervisor: ${pretendingHypervisor} }\n`;
  const all = [
    ...Array.from({ length: nodes }, (_, index) => node(index)),
    ...Array.from({ length: pretendingNodes }, (_, index) => pretending(index)),
  ];
  return `${servers}${also}nodes:\n${all.join("")}`;
}

const hostsLookPeriodMs = 50;

/** A host is alive by its heartbeats, which are no events: it is asked for again and again. */
async function hostsAlive(admin: Novact, count: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { hosts } = await admin.host.list({});
    if (hosts.filter(({ alive }) => alive).length >= count) return;
    await elapse(hostsLookPeriodMs, undefined, { signal });
  }
}

function memoryOf(directory: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { pid, name } of processesOf(directory)) {
    const pss = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0;
    sums[name] = Math.round((sums[name] ?? 0) + Number(pss) / 1024);
  }
  return sums;
}

function processesOf(directory: string): readonly ClusterProcess[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    const argv = read(`/proc/${pid}/cmdline`).split("\0");
    const name = nameOf(argv, directory, pid);
    return name === undefined ? [] : [{ pid: Number(pid), name, detail: detailOf(argv) }];
  });
}

function detailOf(argv: readonly string[]): string {
  if (argv.includes("-uuid")) return argv[argv.indexOf("-uuid") + 1] ?? "";
  return argv.find((argument) => argument.startsWith("--name="))?.slice("--name=".length) ?? "";
}

function nameOf(argv: readonly string[], directory: string, pid: string): ClusterProcess["name"] | undefined {
  const [program = ""] = argv;
  if (program.startsWith("postgres: ") || program.endsWith("/postgres")) {
    const root = program.startsWith("postgres: ") ? parentOf(pid) : pid;
    return read(`/proc/${root}/cmdline`).includes(directory) ? "postgres" : undefined;
  }
  if (guestOfArgv(argv) !== undefined) {
    return linkOf(`/proc/${pid}/cwd`).startsWith(directory) ? "guests" : undefined;
  }
  if (!argv.some((argument) => argument.includes(directory))) return undefined;
  if (program.includes("nats-server")) return "nats-server";
  if (argv.some((argument) => argument.endsWith("/pretended-hosts.ts"))) return "pretended-hosts";
  return (["controller", "compute"] as const).find((role) => argv.includes(role));
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

const parentOf = (pid: string): string => read(`/proc/${pid}/stat`).split(" ")[3] ?? "";

/** The file's text; empty for a process that has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
