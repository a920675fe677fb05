/**
 * boot: from a create until the guest's CPU runs, with real QEMU, beside the same command line started by
 * hand: spawn, QMP greeting, `cont`, `query-status` answers running. The two alternate in the same run.
 */
import { cpSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lifeLimits } from "../../protocol/limits/life.ts";
import { statePaths } from "../config/config.ts";
import type { GuestFiles } from "../setup/guest/build.ts";
import { type BenchCluster, withCluster } from "./bench-cluster.ts";
import { commandOf, startByHand } from "./by-hand.ts";
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
      const byHand = await bootByHand(cluster, id);
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

/** The tiny guest, as the image and the flavor `bench`. */
export async function registerGuest({ admin, config }: BenchCluster, files: GuestFiles) {
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

/** Starts the guest's own command line, while the guest itself is frozen: one boot at a time. */
async function bootByHand(cluster: BenchCluster, id: string): Promise<number> {
  const command = commandOf(cluster, id);
  process.kill(command.pid, "SIGSTOP");
  try {
    const { startedMs, end } = await startByHand(cluster, command);
    await end();
    return startedMs;
  } finally {
    process.kill(command.pid, "SIGCONT");
  }
}
