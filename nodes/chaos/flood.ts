/**
 * The fault of a flood: a process with the credentials of one project sends more than anybody could want, at
 * a bounded rate and for a bounded time. It ends when it is healed, and with the process that injected it.
 */
import { type ClusterConfig, connectionOf } from "../config/config.ts";
import { startFlood } from "./flood-child.ts";
import { type ChaosFloodKind, chaosFloodKinds, type FloodTask } from "./flood-kinds.ts";
import { FaultRefused, type Injected } from "./injected.ts";
import type { Step } from "./plan.ts";

/** A tenth or so of what one sender gets out: load and faults share the computer with it. */
const bounds: Readonly<Record<ChaosFloodKind, Pick<FloodTask, "perSecondMax" | "amount">>> = {
  questions: { perSecondMax: 500 },
  large: { perSecondMax: 10 },
  small: { perSecondMax: 5_000 },
  connections: { perSecondMax: 200, amount: 500 },
  polls: { perSecondMax: 1_000, amount: 2_000 },
};

type Wanted = Pick<Step, "fault" | "target" | "choice" | "durationMs">;

/** Begins to flood. @throws FaultRefused when there is no such project */
export async function floodCluster(
  config: ClusterConfig,
  { fault, target, choice, durationMs }: Wanted,
): Promise<Injected> {
  if (!config.projects.includes(target)) {
    throw new FaultRefused(`There is no project ${target}. There are: ${config.projects.join(", ")}.`);
  }
  const kind = fault.of ?? chaosFloodKinds[Math.floor(choice * chaosFloodKinds.length)] ?? "small";
  const flood = startFlood({
    ...{ kind, credentials: connectionOf(config, target), cell: config.cell, project: target },
    seconds: durationMs / 1_000,
    ...bounds[kind],
  });
  const note = `${kind}, at most ${bounds[kind].perSecondMax} a second, as project ${target}`;
  return { note, heal: () => flood.stop() };
}
