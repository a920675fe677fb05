/**
 * A cluster in simulated time, with its faults, in which the plug-in takes part: its filters and weighers
 * choose hosts with ours, and its hypervisors run the guests, as fakes of its own on simulated computers.
 * Afterwards judge and doctor must have nothing to say. Drivers themselves live in real time, with files and
 * processes, which a simulation does not have.
 */
import { guardedFilter, guardedWeigher, type NoteFault } from "../../actors/control/scheduler/foreign.ts";
import type { SimulatedHypervisor } from "../simulator/computer.ts";
import type { ForeignRules } from "../simulator/foreign.ts";
import { type Plan, planOf } from "../simulator/plan.ts";
import { type RunOptions, runPlan } from "../simulator/run.ts";
import { checkLimits } from "./limits.ts";
import type { Checked } from "./report.ts";

interface Listener {
  readonly progress: (text: string) => void;
  readonly signal: AbortSignal;
}

export async function checkSimulation(foreign: ForeignRules, listener: Listener): Promise<Checked> {
  const about = { part: "filters and weighers", check: "simulation" } as const;
  if (foreign.filters.length + foreign.weighers.length === 0)
    return { ...about, result: "notRun", detail: "It brings neither filters nor weighers." };
  const failed = new Map<string, string>();
  const rules = noting(foreign, (name, what) => void failed.set(name, what));
  const { simulatedMs, started, broken } = await simulated({ foreign: rules }, listener);
  if (broken !== undefined) return { ...about, result: "failed", detail: broken };
  if (failed.size > 0) {
    const detail = [...failed].map(([name, what]) => `${name}: ${what}`).join("; ");
    return { ...about, result: "failed", detail };
  }
  // Where nothing is placed, nothing can go wrong.
  if (started === 0) return { ...about, result: "notRun", detail: nothingStarted };
  return { ...about, result: "passed", detail: toldOf(simulatedMs, started) };
}

/** Each hypervisor of the plug-in that has a fake, on every host of a cluster of its own. */
export async function checkDrivers(
  names: readonly string[],
  fakes: Readonly<Record<string, SimulatedHypervisor>>,
  listener: Listener,
): Promise<readonly Checked[]> {
  const checks: Checked[] = [];
  for (const name of names) {
    const about = { part: `hypervisors.${name}`, check: "simulation" } as const;
    const hypervisor = Object.hasOwn(fakes, name) ? fakes[name] : undefined;
    if (hypervisor === undefined) {
      checks.push({ ...about, result: "notRun", detail: noFake(name) });
      continue;
    }
    const { simulatedMs, started, broken } = await simulated({ hypervisor }, listener, ownDisks);
    const nothing = started === 0 ? "No guest has started: every start was refused." : undefined;
    const detail = broken ?? nothing ?? toldOf(simulatedMs, started);
    checks.push({ ...about, result: (broken ?? nothing) === undefined ? "passed" : "failed", detail });
  }
  return checks;
}

/** Guests that another host may take over need a guard of the driver's own, which no fake brings. */
function ownDisks(plan: Plan): Plan {
  const { sharedDisks: _, storageUnaware: __, ...parameters } = plan.parameters;
  return { ...plan, parameters: { ...parameters, ownDisks: true } };
}

interface Simulated {
  readonly simulatedMs: number;
  /** Starts of guests. */
  readonly started: number;
  /** The first promise that was broken, in words. */
  readonly broken: string | undefined;
}

async function simulated(
  options: Pick<RunOptions, "foreign" | "hypervisor">,
  { progress, signal }: Listener,
  shaped: (plan: Plan) => Plan = (plan) => plan,
): Promise<Simulated> {
  let [simulatedMs, started] = [0, 0];
  const watch = ({ kind }: { readonly kind: string }) => {
    if (kind === "guestStarted") started += 1;
  };
  for (let run = 1; run <= checkLimits.runsMax && simulatedMs < checkLimits.simulatedMs; run += 1) {
    signal.throwIfAborted();
    progress(`simulation: ${minutes(simulatedMs)} of ${minutes(checkLimits.simulatedMs)} minutes …`);
    const seed = `plug-in ${run}`;
    const outcome = await runPlan(shaped(planOf(seed)), { ...options, watch });
    simulatedMs += outcome.simulatedMs;
    if (started === 0 && run >= checkLimits.idleRunsMax) break;
    const [violation] = outcome.violations;
    if (violation !== undefined) {
      const { message, promise } = violation;
      return { simulatedMs, started, broken: `${firstLine(message)} (${promise}, seed "${seed}")` };
    }
  }
  return { simulatedMs, started, broken: undefined };
}

/** The rules, which tell of each failure: a cluster goes on without a rule that has failed once. */
const noting = ({ filters, weighers, ...labels }: ForeignRules, note: NoteFault): ForeignRules => ({
  ...labels,
  filters: filters.map((filter) => guardedFilter(filter, note)),
  weighers: weighers.map((weigher) => guardedWeigher(weigher, note)),
});

const nothingStarted =
  "No guest has started: no host passes its filters. Give the hosts what they ask for: --label NAME=VALUE.";
const noFake = (name: string): string =>
  `No fake of ${name}: the module that "novact": { "check": FILE } names may have one, simulated.hypervisors.${name}.`;
const firstLine = (text: string): string => text.split("\n")[0] ?? "";
const minutes = (ms: number): string => (ms / 60_000).toFixed(1);
const toldOf = (ms: number, started: number): string =>
  `${minutes(ms)} minutes, ${started} starts of guests, nothing to say`;
