/**
 * npm run bench -- NAME: one benchmark, or `all`. Progress goes to stderr, one JSON value with figures to
 * stdout. Every run has a cluster of its own; nothing that runs here already is touched.
 */
import { accept } from "./accept.ts";
import { boot } from "./boot.ts";
import { machine } from "./figures.ts";
import { lifecycle } from "./lifecycle.ts";
import { memory } from "./memory.ts";
import { reads } from "./reads.ts";

const benchmarks: Readonly<Record<string, () => Promise<unknown>>> = {
  accept: () => accept(),
  lifecycle: () => lifecycle(),
  boot: () => boot(),
  reads: () => reads(),
  memory: () => memory(),
};

const names = process.argv.slice(2);
const wanted = names.includes("all") ? Object.keys(benchmarks) : names;
const unknown = wanted.filter((name) => benchmarks[name] === undefined);
if (wanted.length === 0 || unknown.length > 0) {
  process.stderr.write(
    `Usage: npm run bench -- NAME, with NAME one of: ${Object.keys(benchmarks).join(", ")}, all\n`,
  );
  process.exit(2);
}
const results: Record<string, unknown> = {};
for (const name of wanted) {
  process.stderr.write(`${name} …\n`);
  results[name] = await benchmarks[name]?.();
}
process.stdout.write(
  `${JSON.stringify({ machine: machine(), takenAt: new Date().toISOString(), results }, null, 2)}\n`,
);
process.exit(0);
