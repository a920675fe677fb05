/** A cluster of its own for a benchmark: real NATS, PostgreSQL and processes in a new directory, ended afterwards. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../config.ts";
import { connect, type Novact } from "../sdk.ts";
import { startCluster } from "../up/cluster.ts";
import type { Screen } from "../up/screen.ts";

export interface BenchCluster {
  readonly demo: Novact;
  readonly admin: Novact;
  readonly directory: string;
  readonly config: ReturnType<typeof loadConfig>;
  /** Proportional set sizes in MiB of every process of the cluster, by what it is. */
  memory(): Readonly<Record<string, number>>;
}

export interface BenchClusterOptions {
  readonly hypervisor: "fake" | "qemu";
  /** Where a guest was built; needed for qemu. */
  readonly guest?: Promise<unknown>;
  readonly accelerator?: "auto" | "tcg";
}

const quiet: Screen["say"] = (text) => process.stderr.write(`  ${text}\n`);

export async function withCluster<T>(
  options: BenchClusterOptions,
  work: (cluster: BenchCluster) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "novact-bench-"));
  const file = join(directory, "cluster.yaml");
  writeFileSync(file, clusterFile(options));
  const config = loadConfig(file);
  const screen: Screen = { say: quiet, show: quiet, sinceStartMs: () => performance.now() };
  const cluster = await startCluster({ config, screen, guest: options.guest ?? Promise.resolve() });
  try {
    await using demo = await connect({ config: file, project: "demo" });
    await using admin = await connect({ config: file, project: "admin" });
    await hostsAlive(admin, config.nodes.length);
    return await work({ demo, admin, directory, config, memory: () => memoryOf(directory) });
  } finally {
    await cluster.stop(false);
    rmSync(directory, { recursive: true, force: true });
  }
}

function clusterFile({ hypervisor, accelerator }: BenchClusterOptions): string {
  const node = (name: string) =>
    `  - { name: ${name}, hypervisor: ${hypervisor}${accelerator === undefined ? "" : `, accelerator: ${accelerator}`} }`;
  return `stateDirectory: state\nnats: { port: 0 }\npostgres: { port: 0 }\ndemo: false\nnodes:\n${node("node-1")}\n${node("node-2")}\n`;
}

async function hostsAlive(admin: Novact, count: number): Promise<void> {
  for await (const _event of admin.watch({ after: 0, noun: "host" })) {
    const { hosts } = await admin.host.list({});
    if (hosts.filter(({ alive }) => alive).length >= count) return;
  }
}

function memoryOf(directory: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const commandLine = read(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
    const name = nameOf(commandLine, directory, pid);
    const pss = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1];
    if (name !== undefined && pss !== undefined)
      sums[name] = Math.round((sums[name] ?? 0) + Number(pss) / 1024);
  }
  return sums;
}

function nameOf(commandLine: string, directory: string, pid: string): string | undefined {
  if (commandLine.startsWith("postgres: ") || commandLine.includes("/postgres ")) {
    const root = commandLine.includes(directory) ? pid : parentOf(pid);
    return read(`/proc/${root}/cmdline`).includes(directory) ? "postgres" : undefined;
  }
  if (!commandLine.includes(directory)) return undefined;
  if (commandLine.includes("nats-server")) return "nats-server";
  if (commandLine.includes("qemu-system")) return "guests";
  return / (controller|compute)( |$)/.exec(commandLine)?.[1];
}

const parentOf = (pid: string): string => read(`/proc/${pid}/stat`).split(" ")[3] ?? "";

/** Empty for a process that has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
