/**
 * What a host's agent must understand to do what `ensure` asks for: words that the request carries beside
 * the fields. A field that an agent does not know is dropped before it is seen; a word that it does not know
 * makes it refuse, before it starts or removes anything (decision 0018). A new field that must not be
 * ignored gets a word here.
 */
import type { MachineIntent, MachineSpec } from "./machine.ts";
import { StatusError } from "./wire/status.ts";

/**
 * `lease`: the guest runs only under the host's lease, or its disk stays when it is told to go. `binding`: it
 * gets the CPUs, memory and pages of its placement. `machineType`: the hypervisor pretends to be that one.
 */
export const agentNeeds = ["lease", "binding", "machineType"] as const;
export type AgentNeed = (typeof agentNeeds)[number];

export interface Asked {
  readonly spec: Pick<MachineSpec, "numa" | "machineType">;
  readonly intent: Pick<MachineIntent, "power" | "keepDisk">;
  /** 0: the guest needs no lease. */
  readonly leaseEpoch: number;
}

/** What an agent has to know for this. To remove a guest with all it has, any agent knows enough. */
export function needsOf({ spec, intent, leaseEpoch }: Asked): AgentNeed[] {
  const stays = intent.power !== "deleted";
  const needed: Readonly<Record<AgentNeed, boolean>> = {
    lease: intent.keepDisk || (stays && leaseEpoch > 0),
    binding: stays && spec.numa !== null,
    machineType: stays && spec.machineType !== null,
  };
  return agentNeeds.filter((need) => needed[need]);
}

/** Those of the needs that are not known; of what comes from another version they may be any words. */
export const unknownNeeds = (needs: readonly string[], known: readonly string[]): readonly string[] =>
  needs.filter((need) => !known.includes(need));

/** @throws UNIMPLEMENTED unknownNeed, when one of the needs is not known */
export function refuseUnknownNeeds(needs: readonly string[], known: readonly string[]): void {
  const unknown = unknownNeeds(needs, known);
  if (unknown.length === 0) return;
  const message = `The host's agent does not know what this guest needs: ${unknown.join(", ")}.`;
  throw new StatusError("unknownNeed", message);
}
