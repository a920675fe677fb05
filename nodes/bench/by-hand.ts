/**
 * The command line of a cluster's guest, started by hand in a copy of its directory: what QEMU alone needs,
 * to be compared with. It must never touch the guest's own files.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { statePaths } from "../config/config.ts";
import { guestFiles } from "../drivers/guest-directory.ts";
import { guestOfArgv } from "../drivers/guest-of-argv.ts";
import { QmpConnection, type QmpEvent } from "../drivers/qemu/qmp.ts";
import { systemClock } from "../process/clock.ts";
import { openLog } from "../process/log.ts";
import type { BenchCluster } from "./bench-cluster.ts";

export interface GuestByHand {
  readonly pid: number;
  readonly directory: string;
  readonly qmp: QmpConnection;
  /** From the start of the process until its CPUs ran. */
  readonly startedMs: number;
  /** Ends the process, and removes the directory. */
  end(): Promise<void>;
}

export interface GuestCommand {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly directory: string;
}

/** Of a guest that runs. @throws Error when there is none */
export function commandOf({ config }: BenchCluster, id: string): GuestCommand {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const argv = commandLine(pid);
    if (guestOfArgv(argv)?.instanceId !== id) continue;
    const guests = config.nodes.map(({ name }) => join(statePaths(config).node(name), "guests"));
    const directory = guests.find((each) => readdirSync(each).includes(id));
    if (directory !== undefined) return { pid: Number(pid), argv, directory: join(directory, id) };
  }
  throw new Error(`No process of instance ${id} is there.`);
}

function commandLine(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}

const ignored = () => undefined;

/** `heard`: the events of the new process. */
export async function startByHand(
  cluster: BenchCluster,
  { argv, directory }: GuestCommand,
  heard: (event: QmpEvent) => void = ignored,
): Promise<GuestByHand> {
  // Beside the guest's directory, because the command line names images by paths relative to it.
  const copy = mkdtempSync(join(dirname(directory), "by-hand-"));
  const left = (path: string): boolean => path.includes("/run/") || path.endsWith(guestFiles.console);
  cpSync(directory, copy, { recursive: true, filter: (path) => !left(path) });
  const log = openLog({ process: "bench", file: join(cluster.directory, "bench.log") });
  const startMs = performance.now();
  const child = spawn(argv[0] ?? "", argv.slice(1), { cwd: copy, stdio: ["ignore", "ignore", "inherit"] });
  const ended = once(child, "exit");
  const end = async () => {
    child.kill("SIGKILL");
    await ended;
    rmSync(copy, { recursive: true, force: true });
  };
  try {
    const qmp = await openWhenThere(join(copy, guestFiles.qmp), { log, onEvent: heard });
    await qmp.execute("cont");
    await qmp.execute("query-status");
    const started = { pid: child.pid ?? 0, directory: copy, qmp, startedMs: performance.now() - startMs };
    return { ...started, end: () => end().finally(() => qmp.close()) };
  } catch (error) {
    await end();
    throw error;
  }
}

/**
 * Opens the QMP socket as soon as it exists: looks for it every millisecond, as quickly as anybody could by
 * hand.
 */
async function openWhenThere(
  path: string,
  options: { readonly log: ReturnType<typeof openLog>; readonly onEvent: (event: QmpEvent) => void },
): Promise<QmpConnection> {
  for (;;) {
    try {
      return await QmpConnection.open(path, { clock: systemClock, onClose: ignored, ...options });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ECONNREFUSED") throw error;
      await pause(1);
    }
  }
}
