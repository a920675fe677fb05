/**
 * memory: proportional set size (PSS) of a whole control plane without guests, half a minute after its start:
 * one controller, two compute nodes, NATS and PostgreSQL. The measuring process is not counted.
 */
import { setTimeout as pause } from "node:timers/promises";
import { withCluster } from "./bench-cluster.ts";
import { type Note, unnoted } from "./note.ts";
import { processorTime } from "./processor-time.ts";

export interface MemoryOptions {
  readonly idleSeconds: number;
  readonly note: Note;
}

export async function memory(options: Partial<MemoryOptions> = {}): Promise<unknown> {
  const { idleSeconds, note } = { idleSeconds: 30, note: unnoted, ...options };
  return withCluster({ guests: "pretended" }, async (cluster) => {
    process.stderr.write(`  waiting for ${idleSeconds} s\n`);
    const time = processorTime(cluster);
    note("at once", { pssMib: cluster.memory() });
    await pause(idleSeconds * 1000);
    const { client: _ours, all: _all, ...processorMsPerSecond } = time.per(idleSeconds);
    const pssMib = cluster.memory();
    const totalPssMib = Object.values(pssMib).reduce((sum, mib) => sum + mib, 0);
    return { idleSeconds, totalPssMib, pssMib, processorMsPerSecond, target: "at most 300 MiB" };
  });
}
