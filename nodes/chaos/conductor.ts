/**
 * Carries out a plan: injects every step at its time and heals it after its duration, whatever happens in
 * between. When the plan is over, early or not, nothing is broken any more.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { inject, resumeAll, type World } from "./faults.ts";
import { removeFillers } from "./full-disk.ts";
import { thawDisks } from "./hanging-disk.ts";
import { FaultRefused, type Injected } from "./injected.ts";
import { partiesOf } from "./parties.ts";
import type { Step } from "./plan.ts";
import type { Recorder } from "./recorder.ts";

export interface ConductorOptions {
  readonly world: World;
  readonly recorder: Recorder;
  readonly say: (text: string) => void;
  /** Aborted: no more steps are injected, and lasting faults are healed now. */
  readonly ending: AbortSignal;
}

/** Carries out the plan; resolves when the last step is healed. */
export async function conduct(plan: readonly Step[], options: ConductorOptions): Promise<void> {
  const startedAtMs = performance.now();
  const lasting: Promise<void>[] = [];
  for (const step of plan) {
    await until(startedAtMs + step.atMs, options.ending);
    if (options.ending.aborted) break;
    lasting.push(carryOut(step, options));
  }
  await Promise.all(lasting);
}

async function carryOut(step: Step, options: ConductorOptions): Promise<void> {
  const { kind } = step.fault;
  const { target } = step;
  let atMs = Date.now();
  const tell = (outcome: "done" | "skipped" | "failed", note: string) => {
    const untilMs = step.durationMs > 0 ? Date.now() : atMs;
    options.recorder.tellFault({ kind, target, atMs, untilMs, outcome, note });
    if (outcome !== "done") options.say(`${kind} ${target} ${outcome}: ${note}`);
  };
  let injected: Injected;
  try {
    injected = await inject(options.world, step);
    // The time after the injection: the target had to be found first.
    atMs = Date.now();
  } catch (error) {
    return tell(error instanceof FaultRefused ? "skipped" : "failed", (error as Error).message);
  }
  const lasts = step.durationMs > 0 ? ` for ${step.durationMs / 1_000} s` : "";
  options.say(`${kind} ${target}${lasts} (${injected.note})`);
  await until(performance.now() + step.durationMs, options.ending);
  try {
    await injected.heal();
    tell("done", injected.note);
  } catch (error) {
    tell("failed", `It could not be healed: ${(error as Error).message}`);
  }
}

async function until(atMs: number, signal: AbortSignal): Promise<void> {
  const leftMs = atMs - performance.now();
  if (leftMs > 0) await sleep(leftMs, undefined, { signal }).catch(() => undefined);
}

export interface Healed {
  readonly resumed: number;
}

/** Heals everything that chaos may have broken, in any run. Harmless when nothing is broken. */
export async function healAll({ config, links }: World): Promise<Healed> {
  const { controllers, nodes } = partiesOf(config);
  const resumed = await resumeAll(config, [...controllers, ...nodes, "nats", "postgres"]);
  await thawDisks(config);
  await removeFillers(config);
  await links?.heal();
  return { resumed };
}
