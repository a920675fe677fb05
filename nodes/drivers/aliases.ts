/** Other names of hypervisors, as images may have them. */
import { builtInDrivers } from "./built-in.ts";
import type { KnownDrivers } from "./kinds.ts";

type Hypervisors = KnownDrivers["hypervisors"];

/** The driver's name by each of its other names. `others`: hypervisors that plug-ins bring. */
export const hypervisorAliases = (others: Hypervisors = {}): Record<string, string> => {
  const all: Hypervisors = { ...others, ...builtInDrivers.hypervisors };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, { aliases = [] }]) => aliases.map((alias) => [alias, name])),
  );
};
