/**
 * Figures with their spread, and the computer they were taken on. A benchmark informs: no figure here is ever
 * asserted.
 */
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { builtInDrivers, usualHypervisor } from "../drivers/built-in.ts";
import { findPostgres } from "../up/postgres.ts";

export interface Spread {
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** The spread of durations in ms. */
export function spread(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((left, right) => left - right);
  const at = (part: number) => round(sorted[Math.floor((sorted.length - 1) * part)] ?? 0);
  return {
    count: sorted.length,
    min: at(0),
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    max: at(1),
  };
}

export const round = (value: number, digits = 3): number => Number(value.toFixed(digits));

/** How long one call takes, in ms. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly result: T }> {
  const startMs = performance.now();
  const result = await work();
  return { ms: performance.now() - startMs, result };
}

export interface Load {
  readonly clients: number;
  /** Total number of calls; fewer when the time is over first. */
  readonly count: number;
  readonly secondsMax: number;
}

/**
 * Runs `clients` callers, each making its next call when the last one has been answered. A call that fails
 * fails the whole load.
 */
export async function load(
  { clients, count, secondsMax }: Load,
  call: (index: number) => Promise<unknown>,
): Promise<{ readonly clients: number; readonly perSecond: number; readonly latencyMs: Spread }> {
  const samples: number[] = [];
  let next = 0;
  const startMs = performance.now();
  const client = async () => {
    while (next < count && performance.now() - startMs < secondsMax * 1000) {
      const index = next;
      next += 1;
      samples.push((await timed(() => call(index))).ms);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - startMs) / 1000;
  return { clients, perSecond: round(samples.length / seconds, 1), latencyMs: spread(samples) };
}

export function machine(): Record<string, string | number | readonly number[]> {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryMib: Math.round(totalmem() / 1024 ** 2),
    kernel: release(),
    node: process.version,
    nats: versionOf("nats-server", ["--version"]),
    postgres: versionOf(join(findPostgres() ?? "", "postgres"), ["--version"]),
    [usualHypervisor]: versionOf(builtInDrivers.hypervisors[usualHypervisor].programs.emulator, [
      "--version",
    ]),
    // Load averages of one, five and fifteen minutes: other work on the computer is in every figure.
    loadAverage: loadavg().map((value) => round(value, 2)),
  };
}

function versionOf(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: "utf8" }).split("\n")[0] ?? "";
  } catch {
    return "not found";
  }
}
