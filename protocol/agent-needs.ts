/**
 * The needs of an `ensure`: features that a host's agent must have to do it right, carried as words beside
 * the fields. An agent drops a field that it does not know before any handler sees it; a word that it does
 * not know makes it refuse, before it starts or removes anything (decision 0018). A new field that must not
 * be ignored gets a word here.
 */
import { type LocalDisks, localGibOf } from "./local-disks.ts";
import type { MachineIntent, MachineSpec } from "./machine.ts";
import { StatusError } from "./wire/status.ts";

/**
 * `lease`: the guest runs only under the host lease, or its disk stays when the guest leaves. `binding`: the
 * guest is pinned to the CPUs, memory and pages of its placement. `machineType`: the guest gets this machine
 * type. `configDrive`: the guest gets a drive that tells it about itself. `shape`: the guest gets this shape.
 * `interfaces`: the guest is plugged into these ports, and into nothing else. `places`: each of them is where
 * the spec says, and they may be others while the guest runs. `physicalNetwork`: some of them are on the
 * operator's own networks, and on no others. `volumes`: the guest has these volumes, and no others.
 * `localDisks`: it has an ephemeral disk or a swap disk.
 */
export const agentNeeds = [
  "lease",
  "binding",
  "machineType",
  "configDrive",
  "shape",
  "interfaces",
  "places",
  "physicalNetwork",
  "volumes",
  "localDisks",
] as const;
export type AgentNeed = (typeof agentNeeds)[number];

export interface Asked {
  readonly spec: Pick<
    MachineSpec,
    "numa" | "machineType" | "guest" | "shape" | "interfaces" | "volumes" | keyof LocalDisks
  >;
  readonly intent: Pick<MachineIntent, "power" | "keepDisk">;
  /** Lease epoch of the host lease; 0: the guest needs none. */
  readonly leaseEpoch: number;
}

/** The needs of a request. Removing a guest with its disk has none: every agent can do it. */
export function needsOf({ spec, intent, leaseEpoch }: Asked): AgentNeed[] {
  const stays = intent.power !== "deleted";
  const needed: Readonly<Record<AgentNeed, boolean>> = {
    lease: intent.keepDisk || (stays && leaseEpoch > 0),
    binding: stays && spec.numa !== null,
    machineType: stays && spec.machineType !== null,
    configDrive: stays && spec.guest?.configDrive === true,
    shape: stays && spec.shape !== undefined,
    interfaces: stays && spec.interfaces !== undefined,
    places: stays && spec.interfaces?.some(({ place }) => place !== undefined) === true,
    physicalNetwork:
      stays && spec.interfaces?.some(({ physicalNetwork }) => physicalNetwork !== undefined) === true,
    volumes: stays && spec.volumes !== undefined,
    localDisks: stays && localGibOf(spec) > 0,
  };
  return agentNeeds.filter((need) => needed[need]);
}

/** The needs that are not known; a request from another version may have any words. */
export const unknownNeeds = (needs: readonly string[], known: readonly string[]): readonly string[] =>
  needs.filter((need) => !known.includes(need));

/** @throws UNIMPLEMENTED unknownNeed, when one of the needs is not known */
export function refuseUnknownNeeds(needs: readonly string[], known: readonly string[]): void {
  const unknown = unknownNeeds(needs, known);
  if (unknown.length === 0) return;
  const message = `The host's agent does not know what this guest needs: ${unknown.join(", ")}.`;
  throw new StatusError("unknownNeed", message);
}
