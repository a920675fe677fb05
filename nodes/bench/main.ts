/**
 * npm run bench -- NAME: runs one benchmark, several, or `all`. Progress goes to stderr; the figures go to
 * stdout, as one JSON value per line when a benchmark ends. Every run that needs a cluster starts its own, in
 * a new directory and on free ports; clusters that run here already are not touched. Each benchmark but
 * `recovery` and `flood` takes less than three minutes.
 */
import "../process/umask.ts";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { exitCodes } from "../package/exit-codes.ts";
import { runSeries } from "./series.ts";

const { positionals: names, values } = words();
/** Aborted by Ctrl-C: the benchmark ends in good order and takes its cluster with it. */
const interrupted = new AbortController();
const count = (text: string | undefined) => (text === undefined ? undefined : Math.max(1, Number(text) || 1));

function words() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        runs: { type: "string" },
        guests: { type: "string" },
        case: { type: "string", multiple: true },
        seconds: { type: "string" },
        rest: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(exitCodes.usage.exit);
  }
}

/** The long ones end in good order. */
function hearSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interrupted.abort());
}

async function floods(): Promise<unknown> {
  hearSignals();
  const { flood, floodKindsOf } = await import("./flood.ts");
  const [seconds, restSeconds, guests] = [count(values.seconds), count(values.rest), count(values.guests)];
  return flood({
    signal: interrupted.signal,
    ...(seconds && { seconds }),
    ...(restSeconds && { restSeconds }),
    ...(guests && { guests }),
    ...(values.case && { kinds: floodKindsOf(values.case) }),
  });
}

async function recover(): Promise<unknown> {
  hearSignals();
  const { recovery } = await import("./recovery.ts");
  const [runs, guests] = [count(values.runs), count(values.guests)];
  return recovery({
    signal: interrupted.signal,
    ...(runs && { runs }),
    ...(guests && { guests }),
    ...(values.case && { cases: values.case }),
  });
}

/** The benchmarks by name; each loads only its own code. */
const benchmarks: Readonly<Record<string, () => Promise<unknown>>> = {
  accept: async () => (await import("./accept.ts")).accept(),
  lifecycle: async () => (await import("./lifecycle.ts")).lifecycle(),
  boot: async () => (await import("./boot.ts")).boot(),
  reads: async () => (await import("./reads.ts")).reads(),
  scheduler: async () => (await import("./scheduler.ts")).scheduler(),
  "many-hosts": async () => (await import("./many-hosts.ts")).manyHosts(),
  rebuild: async () => (await import("./rebuild.ts")).rebuild(),
  memory: async () => (await import("./memory.ts")).memory(),
  recovery: recover,
  flood: floods,
};

/** All but `recovery`, which waits for host leases to end and takes half an hour, and `flood`. */
const short = Object.keys(benchmarks).filter((name) => name !== "recovery" && name !== "flood");
const wanted = names.includes("all") ? short : names;
const unknown = wanted.filter((name) => !Object.hasOwn(benchmarks, name));
if (wanted.length === 0 || unknown.length > 0) {
  process.stderr.write(
    `Usage: npm run bench -- NAME, with NAME one of: ${Object.keys(benchmarks).join(", ")}, all\n`,
  );
  process.exit(values.help === true ? exitCodes.ok.exit : exitCodes.usage.exit);
}
// As with `npm start`: the processes of the cluster reuse code that was compiled before.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "..", "..", "node_modules", ".cache", "novact");
const outcome = await runSeries({
  names: wanted,
  benchmarks,
  write: (line) => process.stdout.write(line),
  say: (text) => process.stderr.write(`${text}\n`),
  signal: interrupted.signal,
});
const { ok: done, internal: failed, interrupted: cut } = exitCodes;
process.exit({ done, failed, interrupted: cut }[outcome].exit);
