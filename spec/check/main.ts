/**
 * `novact plugin check` and `novact plugin docs`, in a process of its own: a plug-in runs in it, and so do
 * the simulator and the package's tests. The command gets messages (report.ts) and shows them; it reads no
 * output. Ctrl-C, or the end of the command, stops the work, closes what was opened, and ends this process.
 */
import { pluginDocument } from "../../nodes/plugins/document.ts";
import { checkContracts, worldsIn } from "./contracts.ts";
import { filterFaults, weigherFaults } from "./purity.ts";
import type { Checked, CheckMessage, CheckReport, CheckTask } from "./report.ts";
import { checkDrivers, checkSimulation } from "./simulation.ts";
import { loadTarget, Refused } from "./target.ts";

const stopped = new AbortController();
const interruptedExit = 130;

const tell = (message: CheckMessage): void => void process.send?.(message);
const progress = (text: string): void => tell({ kind: "progress", text });

const purity = (part: string, faults: readonly string[]): Checked =>
  faults.length === 0
    ? { part, check: "purity", result: "passed", detail: "same answer to the same question" }
    : { part, check: "purity", result: "failed", detail: faults.join("; ") };

async function check(task: CheckTask): Promise<CheckReport> {
  progress(`loading ${task.target} …`);
  const { plugin, version, worlds: file } = await loadTarget(task, process.cwd());
  const { name, parts } = plugin;
  const { filters = [], weighers = [], resources = [], services: own = [], actions = [] } = parts;
  const services = [...own, ...actions].map(({ service }) => service);
  const nouns = new Set([...resources, ...services].map(({ noun }) => noun));
  const checks: Checked[] = [
    ...[...nouns].map((noun): Checked => {
      return { part: `noun ${noun}`, check: "loads", result: "passed", detail: "its names are free" };
    }),
    ...filters.map((one) => purity(`filter ${one.name}`, filterFaults(one, task.labels))),
    ...weighers.map((one) => purity(`weigher ${one.name}`, weigherFaults(one, task.labels))),
  ];
  const listener = { progress, signal: stopped.signal };
  const worlds = file === undefined ? undefined : await worldsIn(file);
  checks.push(...(await checkContracts(parts, worlds, listener)));
  stopped.signal.throwIfAborted();
  // What fails by itself would only fail again, and take its time.
  if (checks.every(({ result }) => result !== "failed")) {
    const fakes = worlds?.found.simulated?.hypervisors ?? {};
    checks.push(await checkSimulation({ filters, weighers, labels: task.labels }, listener));
    checks.push(...(await checkDrivers(Object.keys(parts.hypervisors ?? {}), fakes, listener)));
  }
  return { name, version, checks };
}

/** @throws Refused when there is nothing to tell */
async function documentOf(task: CheckTask): Promise<string> {
  const { plugin } = await loadTarget(task, process.cwd());
  const document = pluginDocument(plugin);
  if (document !== undefined) return document;
  const next = "A document is of resources, services and actions: its filters and drivers are not in it.";
  throw new Refused(`The plug-in ${plugin.name} adds nothing to the API.`, next);
}

async function main(text = ""): Promise<number> {
  try {
    const task: CheckTask = JSON.parse(text);
    if (task.wanted === "docs") tell({ kind: "document", text: await documentOf(task) });
    else tell({ kind: "done", report: await check(task) });
    return 0;
  } catch (thrown) {
    if (stopped.signal.aborted) return interruptedExit;
    if (!(thrown instanceof Refused)) throw thrown;
    tell({ kind: "refused", message: thrown.message, next: thrown.next });
    return 0;
  }
}

const stop = (): void => {
  if (stopped.signal.aborted) process.exit(interruptedExit);
  stopped.abort();
};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
process.on("disconnect", stop);

process.exitCode = await main(process.argv[2]);
// What a plug-in has left running must not keep the command waiting.
if (process.connected) process.disconnect();
process.exit();
