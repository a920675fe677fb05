/**
 * The processor time that a cluster's processes have used: tells what a create costs, even when other
 * programs use the same computer.
 */
import { readFileSync } from "node:fs";
import type { BenchCluster } from "./bench-cluster.ts";
import { round } from "./figures.ts";

/** Linux counts in hundredths of a second, whatever the frequency of the kernel's own clock. */
const msPerTick = 10;

export interface ProcessorTime {
  /**
   * Processor time since the last call, or since the beginning, for each of `count` pieces of work: ms by
   * process, and in total.
   */
  per(count: number): Readonly<Record<string, number>>;
}

export function processorTime(cluster: BenchCluster): ProcessorTime {
  let before = used(cluster);
  return {
    per(count) {
      const now = used(cluster);
      const spent: Record<string, number> = {};
      for (const [name, ms] of Object.entries(now)) {
        spent[name] = round((ms - (before[name] ?? 0)) / Math.max(1, count));
      }
      before = now;
      const all = Object.values(spent).reduce((sum, ms) => sum + ms, 0);
      return { ...spent, all: round(all) };
    },
  };
}

function used(cluster: BenchCluster): Record<string, number> {
  const { user, system } = process.cpuUsage();
  const sums: Record<string, number> = { client: (user + system) / 1000 };
  for (const { pid, name } of cluster.processes()) sums[name] = (sums[name] ?? 0) + usedBy(pid);
  return sums;
}

/**
 * Processor time of a process in ms, with that of its ended children: PostgreSQL's processes come and go, and
 * their time must not be lost.
 * Source: proc(5), /proc/PID/stat, the fields utime, stime, cutime and cstime.
 */
function usedBy(pid: number): number {
  const fields = statOf(pid).split(") ").at(-1)?.split(" ") ?? [];
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * msPerTick;
}

/** The text of /proc/PID/stat; empty for a process that has ended meanwhile. */
function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
}
