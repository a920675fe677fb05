/**
 * The command line of a cluster's guest, started by hand in a copy of its directory: what QEMU alone needs,
 * to be compared with. It must never touch the guest's own files.
 */
import { type ChildProcess, spawn } from "node:child_process";
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
  /** Aborted when the process has ended, with an Error that says how. */
  readonly ended: AbortSignal;
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
  cluster: Pick<BenchCluster, "directory">,
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
  const { ended, gone } = endOf(child);
  const end = async () => {
    child.kill("SIGKILL");
    await gone;
    rmSync(copy, { recursive: true, force: true });
  };
  try {
    const qmp = await openWhenThere(join(copy, guestFiles.qmp), ended, { log, onEvent: heard });
    await qmp.execute("cont");
    await qmp.execute("query-status");
    const started = { pid: child.pid ?? 0, directory: copy, qmp, startedMs: performance.now() - startMs };
    return { ...started, ended, end: () => end().finally(() => qmp.close()) };
  } catch (error) {
    await end();
    throw error;
  }
}

/** `gone` resolves, however the process ends, or where it never began. */
function endOf(child: ChildProcess) {
  const ending = new AbortController();
  const tell = (how: string) => ending.abort(new Error(`QEMU by hand ${how}.`));
  const gone = once(child, "exit").then(
    ([code, signal]) => tell(signal === null ? `ended with code ${code}` : `was ended by ${signal}`),
    (error: Error) => tell(`did not start: ${error.message}`),
  );
  return { ended: ending.signal, gone };
}

/** How long QEMU may take to have its socket, and to say what it was told to do. */
export const byHandWithinMs = 120_000;

/**
 * Opens the QMP socket as soon as it exists: looks for it every millisecond, as quickly as anybody could by
 * hand. @throws Error when the process has ended, or has none in time
 */
async function openWhenThere(
  path: string,
  ended: AbortSignal,
  options: { readonly log: ReturnType<typeof openLog>; readonly onEvent: (event: QmpEvent) => void },
): Promise<QmpConnection> {
  const startMs = performance.now();
  for (;;) {
    ended.throwIfAborted();
    if (performance.now() - startMs > byHandWithinMs) throw new Error("QEMU by hand has no socket in time.");
    try {
      return await QmpConnection.open(path, { clock: systemClock, onClose: ignored, ...options });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ECONNREFUSED") throw error;
      await pause(1);
    }
  }
}
