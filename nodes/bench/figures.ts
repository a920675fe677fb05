/**
 * Figures with their spread, and what they were taken on. No figure here is ever asserted: a benchmark
 * informs.
 */
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, release, totalmem } from "node:os";

export interface Spread {
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Of durations in ms. */
export function spread(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((left, right) => left - right);
  const at = (part: number) => round(sorted[Math.floor((sorted.length - 1) * part)] ?? 0);
  return { count: sorted.length, min: at(0), p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

export const round = (value: number, digits = 3): number => Number(value.toFixed(digits));

/** How long one call takes, in ms. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly result: T }> {
  const startMs = performance.now();
  const result = await work();
  return { ms: performance.now() - startMs, result };
}

/** `clients` callers that together make `count` calls, each its next one when the last has been answered. */
export async function load(
  { count, clients }: { readonly count: number; readonly clients: number },
  call: (index: number) => Promise<unknown>,
): Promise<{ readonly perSecond: number; readonly latencyMs: Spread }> {
  const samples: number[] = [];
  let next = 0;
  const startMs = performance.now();
  const client = async () => {
    while (next < count) {
      const index = next;
      next += 1;
      samples.push((await timed(() => call(index))).ms);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - startMs) / 1000;
  return { perSecond: round(count / seconds, 1), latencyMs: spread(samples) };
}

export function machine(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryMib: Math.round(totalmem() / 1024 ** 2),
    kernel: release(),
    node: process.version,
    nats: versionOf("nats-server", ["--version"]),
    qemu: versionOf("qemu-system-x86_64", ["--version"]),
  };
}

function versionOf(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: "utf8" }).split("\n")[0] ?? "";
  } catch {
    return "not found";
  }
}
