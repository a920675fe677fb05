/**
 * boot: from a create until the guest's CPU runs, with real QEMU, beside the same command line started by
 * hand: spawn, QMP greeting, `cont`, `query-status` answers running. The two alternate in the same run.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { lifeLimits } from "../../protocol/limits/life.ts";
import { statePaths } from "../config/config.ts";
import { guestFiles } from "../drivers/guest-directory.ts";
import { guestOfArgv } from "../drivers/guest-of-argv.ts";
import { QmpConnection } from "../drivers/qemu/qmp.ts";
import { systemClock } from "../process/clock.ts";
import { openLog } from "../process/log.ts";
import type { GuestFiles } from "../setup/guest/build.ts";
import { type BenchCluster, withCluster } from "./bench-cluster.ts";
import { tinyGuest } from "./counting-guest.ts";
import { round, spread, timed } from "./figures.ts";
import { type Note, unnoted } from "./note.ts";

const guestDirectory = join(tmpdir(), "novact-bench-guest");

export interface BootOptions {
  readonly rounds: number;
  /** Rounds before them, which are not counted. */
  readonly warmUps: number;
  readonly note: Note;
}

export async function boot(options: Partial<BootOptions> = {}): Promise<unknown> {
  const { rounds, warmUps, note } = { rounds: 15, warmUps: 2, note: unnoted, ...options };
  const files = await tinyGuest(guestDirectory, (text) => process.stderr.write(`  ${text}\n`));
  return withCluster({ guests: "real", accelerator: "tcg" }, async (cluster) => {
    await registerGuest(cluster, files);
    const { instance } = cluster.demo;
    const patient = { timeoutMs: lifeLimits.buildTimeoutMs };
    const samples = { novact: [] as number[], byHand: [] as number[] };
    for (let index = -warmUps; index < rounds; index += 1) {
      const request = { name: "bench", flavor: "bench", image: "bench", wait: true };
      const created = await timed(() => instance.create(request, patient));
      const { id } = created.result.instance;
      const byHand = await startByHand(cluster, id);
      await instance.delete(id, { wait: true }, patient);
      if (index < 0) continue;
      samples.novact.push(created.ms);
      samples.byHand.push(byHand);
      note(`round ${index + 1}`, {
        createToRunningMs: round(created.ms),
        sameCommandByHandMs: round(byHand),
      });
    }
    const [novactMs, byHandMs] = [spread(samples.novact), spread(samples.byHand)];
    const ratioOfMedians = round(novactMs.p50 / byHandMs.p50, 2);
    return {
      createToRunningMs: novactMs,
      sameCommandByHandMs: byHandMs,
      ratioOfMedians,
      target: "ratio at most 1.25",
    };
  });
}

async function registerGuest({ admin, config }: BenchCluster, files: GuestFiles) {
  const imports = statePaths(config).import;
  for (const path of [files.kernel, files.ramdisk]) cpSync(path, join(imports, path.split("/").at(-1) ?? ""));
  const at = (path: string) => ({ path: join(imports, path.split("/").at(-1) ?? "") });
  await admin.flavor.create({ name: "bench", vcpus: 1, memoryMib: 128, diskGib: 0 });
  await admin.image.register({
    name: "bench",
    kernel: at(files.kernel),
    ramdisk: at(files.ramdisk),
    commandLine: "console=ttyS0 quiet",
  });
}

/**
 * Starts the guest's own command line in a copy of its directory, while the guest itself is frozen: one boot
 * at a time.
 */
async function startByHand(cluster: BenchCluster, id: string): Promise<number> {
  const { pid, argv, directory } = commandOf(cluster, id);
  process.kill(pid, "SIGSTOP");
  // Beside the guest's directory, because the command line names images by paths relative to it.
  const copy = mkdtempSync(join(dirname(directory), "by-hand-"));
  cpSync(directory, copy, { recursive: true, filter: (path) => !path.endsWith("/run") });
  cpSync(directory, copy, { recursive: true, filter: (path) => !path.includes("/run/") });
  const log = openLog({ process: "bench", file: join(cluster.directory, "bench.log") });
  const startMs = performance.now();
  const child = spawn(argv[0] ?? "", argv.slice(1), { cwd: copy, stdio: ["ignore", "ignore", "inherit"] });
  const qmp = await openWhenThere(join(copy, guestFiles.qmp), log);
  await qmp.execute("cont");
  await qmp.execute("query-status");
  const ms = performance.now() - startMs;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  qmp.close();
  rmSync(copy, { recursive: true, force: true });
  process.kill(pid, "SIGCONT");
  return ms;
}

/**
 * Opens the QMP socket as soon as it exists: looks for it every millisecond, as quickly as anybody could by
 * hand.
 */
async function openWhenThere(path: string, log: ReturnType<typeof openLog>): Promise<QmpConnection> {
  const nothing = () => undefined;
  for (;;) {
    try {
      return await QmpConnection.open(path, { clock: systemClock, log, onEvent: nothing, onClose: nothing });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ECONNREFUSED") throw error;
      await pause(1);
    }
  }
}

function commandOf({ directory }: BenchCluster, id: string) {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const argv = commandLine(pid);
    if (guestOfArgv(argv)?.instanceId !== id) continue;
    const node = readdirSync(join(directory, "state", "nodes")).find((name) =>
      readdirSync(join(directory, "state", "nodes", name, "guests")).includes(id),
    );
    return { pid: Number(pid), argv, directory: join(directory, "state", "nodes", node ?? "", "guests", id) };
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
