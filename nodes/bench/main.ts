/**
 * npm run bench -- NAME: one benchmark, several, or `all`. Progress goes to stderr, one JSON value with
 * figures to stdout. Every run that needs a cluster has its own, in a new directory and on free ports;
 * nothing that runs here already is touched. Each benchmark takes less than two minutes.
 */
import { join } from "node:path";
import { machine } from "./figures.ts";

/** Each loads its own code only. */
const benchmarks: Readonly<Record<string, () => Promise<unknown>>> = {
  accept: async () => (await import("./accept.ts")).accept(),
  lifecycle: async () => (await import("./lifecycle.ts")).lifecycle(),
  boot: async () => (await import("./boot.ts")).boot(),
  reads: async () => (await import("./reads.ts")).reads(),
  scheduler: async () => (await import("./scheduler.ts")).scheduler(),
  memory: async () => (await import("./memory.ts")).memory(),
};

const names = process.argv.slice(2);
const wanted = names.includes("all") ? Object.keys(benchmarks) : names;
const unknown = wanted.filter((name) => !Object.hasOwn(benchmarks, name));
if (wanted.length === 0 || unknown.length > 0) {
  process.stderr.write(
    `Usage: npm run bench -- NAME, with NAME one of: ${Object.keys(benchmarks).join(", ")}, all\n`,
  );
  process.exit(2);
}
// As `npm start` has it: the processes of the cluster need not compile what was compiled before.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "..", "..", "node_modules", ".cache", "novact");
const before = machine();
const results: Record<string, unknown> = {};
for (const name of wanted) {
  process.stderr.write(`${name} …\n`);
  const startMs = performance.now();
  results[name] = await benchmarks[name]?.();
  process.stderr.write(`${name}: ${Math.round((performance.now() - startMs) / 1000)} s\n`);
}
const { loadAverage } = machine();
process.stdout.write(
  `${JSON.stringify({ machine: before, loadAverageAfter: loadAverage, takenAt: new Date().toISOString(), results }, null, 2)}\n`,
);
process.exit(0);
