/**
 * Builds the distribution's image as a process of its own: `main.ts DIRECTORY`. What it does goes to standard
 * error, a line for each step; the image as one line of JSON to standard output. An image that is there and
 * up to date is only named. A process of its own, since it sets the umask that the tree's files are made
 * with, and since whoever asks may be told to end while a tool runs.
 */
import { resolve } from "node:path";
import { buildDistribution, findDistribution } from "./build.ts";

process.umask(0o022);

const [first, second] = [new AbortController(), new AbortController()];
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => {
    if (first.signal.aborted) second.abort();
    first.abort(new Error("Interrupted."));
  });

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  process.stderr.write("The directory of the image is missing: main.ts DIRECTORY\n");
  process.exit(2);
}
try {
  const place = resolve(directory);
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const stop = { first: first.signal, second: second.signal };
  const made = findDistribution(place) ?? (await buildDistribution(place, say, stop));
  process.stdout.write(`${JSON.stringify(made)}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
