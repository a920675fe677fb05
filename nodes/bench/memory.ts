/**
 * memory: proportional set size (PSS) of a whole control plane without guests, half a minute after its start:
 * one controller, two compute nodes, NATS and PostgreSQL. The measuring process is not counted.
 */
import { setTimeout as pause } from "node:timers/promises";
import { withCluster } from "./bench-cluster.ts";
import { processorTime } from "./processor-time.ts";

export async function memory(idleSeconds = 30): Promise<unknown> {
  return withCluster({ hypervisor: "fake" }, async (cluster) => {
    process.stderr.write(`  waiting for ${idleSeconds} s\n`);
    const time = processorTime(cluster);
    await pause(idleSeconds * 1000);
    const { client: _ours, all: _all, ...processorMsPerSecond } = time.per(idleSeconds);
    const pssMib = cluster.memory();
    const totalPssMib = Object.values(pssMib).reduce((sum, mib) => sum + mib, 0);
    return { idleSeconds, totalPssMib, pssMib, processorMsPerSecond, target: "at most 300 MiB" };
  });
}
