/**
 * npm run bench -- NAME: runs one benchmark, several, or `all`. Progress goes to stderr; the figures go to
 * stdout, as one JSON value per line when a benchmark ends. Every run that needs a cluster starts its own, in
 * a new directory and on free ports; clusters that run here already are not touched. Each benchmark but
 * `growth`, `recovery` and `flood` takes less than three minutes.
 */
import "../process/umask.ts";
import { once } from "node:events";
import { join } from "node:path";
import { exitCodes } from "../package/exit-codes.ts";
import {
  type BenchName,
  type BenchRequest,
  BenchUsageError,
  benchRequestOf,
  benchUsage,
  benchUsageShort,
} from "./bench-options.ts";
import type { Note } from "./note.ts";
import { runSeries } from "./series.ts";

const { names, values } = asked();
/** Aborted by Ctrl-C: the benchmark ends in good order and takes its cluster with it. */
const interrupted = new AbortController();

/** What was asked for; help and refusals end the process here, before anything is started. */
function asked(): BenchRequest {
  try {
    const request = benchRequestOf(process.argv.slice(2));
    if (request !== undefined) return request;
    process.stdout.write(benchUsage);
    process.exit(exitCodes.ok.exit);
  } catch (thrown) {
    if (!(thrown instanceof BenchUsageError)) throw thrown;
    process.stderr.write(`${thrown.message}\n${benchUsageShort}`);
    process.exit(exitCodes.usage.exit);
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interrupted.abort());

/** Ends a benchmark that hears no signal itself, by taking its cluster away. */
async function endedBySignal(): Promise<never> {
  const { signal } = interrupted;
  if (!signal.aborted) await once(signal, "abort");
  const { endClusters } = await import("./bench-cluster.ts");
  await endClusters();
  throw new Error("It was ended by a signal.");
}

const endable =
  (run: (note: Note) => Promise<unknown>) =>
  (note: Note): Promise<unknown> =>
    Promise.race([run(note), endedBySignal()]);

async function floods(note: Note): Promise<unknown> {
  const { flood, floodKindsOf } = await import("./flood.ts");
  const { seconds, rest: restSeconds, guests } = values;
  return flood({
    ...{ signal: interrupted.signal, note },
    ...(seconds && { seconds }),
    ...(restSeconds && { restSeconds }),
    ...(guests && { guests }),
    ...(values.case && { kinds: floodKindsOf(values.case) }),
  });
}

async function recover(note: Note): Promise<unknown> {
  const { recovery } = await import("./recovery.ts");
  const { runs, guests } = values;
  return recovery({
    ...{ signal: interrupted.signal, note },
    ...(runs && { runs }),
    ...(guests && { guests }),
    ...(values.case && { cases: values.case }),
  });
}

/** The benchmarks by name; each loads only its own code. */
const benchmarks: Readonly<Record<BenchName, (note: Note) => Promise<unknown>>> = {
  accept: endable(async (note) => (await import("./accept.ts")).accept({ note })),
  lifecycle: endable(async (note) => (await import("./lifecycle.ts")).lifecycle({ note })),
  boot: endable(async (note) => (await import("./boot.ts")).boot({ note })),
  reads: endable(async (note) => (await import("./reads.ts")).reads({ note })),
  scheduler: endable(async (note) => (await import("./scheduler.ts")).scheduler({ note })),
  "many-hosts": endable(async (note) => (await import("./many-hosts.ts")).manyHosts({ note })),
  rebuild: endable(async (note) => (await import("./rebuild.ts")).rebuild({ note })),
  memory: endable(async (note) => (await import("./memory.ts")).memory({ note })),
  network: endable(async (note) => (await import("./network.ts")).network({ note })),
  images: endable(async (note) => (await import("./images.ts")).images({ note })),
  storage: endable(async (note) => (await import("./storage.ts")).storage({ note })),
  growth: endable(async (note) => {
    const { creates, rest: restSeconds } = values;
    const asked = { ...(creates && { creates }), ...(restSeconds !== undefined && { restSeconds }) };
    return (await import("./growth.ts")).growth({ ...asked, note });
  }),
  recovery: recover,
  flood: floods,
};

// As with `npm start`: the processes of the cluster reuse code that was compiled before.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "..", "..", "node_modules", ".cache", "novact");
const outcome = await runSeries({
  names,
  benchmarks,
  write: (line) => process.stdout.write(line),
  say: (text) => process.stderr.write(`${text}\n`),
  signal: interrupted.signal,
});
const { ok: done, internal: failed, interrupted: cut } = exitCodes;
process.exit({ done, failed, interrupted: cut }[outcome].exit);
