/** memory: proportional set size of an idle control plane, a minute after its start, without guests. */
import { setTimeout as pause } from "node:timers/promises";
import { withCluster } from "./bench-cluster.ts";

const idleMs = 30_000;

export async function memory(): Promise<unknown> {
  return withCluster({ hypervisor: "fake" }, async (cluster) => {
    await pause(idleMs);
    const pssMib = cluster.memory();
    const totalPssMib = Object.values(pssMib).reduce((sum, mib) => sum + mib, 0);
    return { pssMib, totalPssMib, target: "at most 300 MiB" };
  });
}
