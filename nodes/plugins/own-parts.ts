/** The names that our own drivers have: no plug-in may bring another one under such a name. */
import { hypervisorAliases } from "../drivers/aliases.ts";
import { builtInDrivers } from "../drivers/built-in.ts";
import { builtInSinks } from "../sinks/built-in.ts";
import type { PartKind } from "./parts.ts";

const own: Partial<Record<PartKind, object>> = {
  ...builtInDrivers,
  hypervisors: { ...builtInDrivers.hypervisors, ...hypervisorAliases() },
  sinks: builtInSinks,
  power: { redfish: true, ipmi: true },
};

export const ownPart = (kind: PartKind, name: string): boolean => Object.hasOwn(own[kind] ?? {}, name);
