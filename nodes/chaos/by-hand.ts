/** Chaos without a scenario: lists the processes of a cluster, and injects a single fault. */
import { setTimeout as sleep } from "node:timers/promises";
import { loadConfig } from "../config/config.ts";
import { typedCommand } from "../package/typed-command.ts";
import { inject } from "./faults.ts";
import { chaosFloodKinds, floodMeanings } from "./flood-kinds.ts";
import { FaultRefused } from "./injected.ts";
import { openLinks } from "./links.ts";
import { partiesOf } from "./parties.ts";
import { assertAllowed } from "./permission.ts";
import { candidatesOf } from "./plan.ts";
import { contradictions, type Fault, faultMeanings, lastingFaults } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";

export function listAll(file: string | undefined) {
  const config = loadConfig(file);
  const { controllers, nodes } = partiesOf(config);
  return {
    scenarios: Object.fromEntries(
      Object.entries(scenarios).map(([name, { summary }]) => [name, summary ?? ""]),
    ),
    faults: faultMeanings,
    targets: [...controllers, ...nodes, "nats", "postgres"],
    projects: config.projects,
    floods: Object.fromEntries(chaosFloodKinds.map((kind) => [kind, floodMeanings[kind]])),
    allowed: config.chaos.allowed,
  };
}

export interface ByHand {
  readonly fault: Fault;
  /** How long the fault lasts; absent: until it is healed. */
  readonly forMs: number | undefined;
  readonly config: string | undefined;
  readonly signal: AbortSignal;
}

/** Injects the fault; answers what was hit. @throws NotAllowed, FaultRefused */
export async function injectByHand({ fault, forMs, config: file, signal }: ByHand): Promise<string> {
  const config = loadConfig(file);
  assertAllowed(config);
  const [contradiction] = contradictions(fault, true);
  if (contradiction !== undefined) throw new FaultRefused(`${fault.kind} ${fault.target}: ${contradiction}`);
  if (fault.kind === "flood" && forMs === undefined)
    throw new FaultRefused(
      "A flood lasts as long as this command. Say how long with --for, as in --for 20s.",
    );
  const choice = Math.random();
  const candidates = candidatesOf(fault, partiesOf(config));
  const target = candidates[Math.floor(choice * candidates.length)];
  if (target === undefined) throw new FaultRefused(`This cluster has no ${fault.target}.`);
  const links = await openLinks(config);
  try {
    const wanted = { fault, target, choice: Math.random(), durationMs: forMs ?? 0 };
    const injected = await inject({ config, links, stays: true }, wanted);
    if (forMs === undefined) {
      const until = lastingFaults.includes(fault.kind)
        ? `; ${typedCommand()} chaos heal makes it whole again`
        : "";
      return `${fault.kind} ${target} (${injected.note})${until}`;
    }
    await sleep(forMs, undefined, { signal }).catch(() => undefined);
    await injected.heal();
    return `${fault.kind} ${target} (${injected.note}), healed`;
  } finally {
    links?.close();
  }
}
