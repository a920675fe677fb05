/** Whose guest a process is, by its arguments alone, whatever driver of novact's own has started it. */
import { builtInDrivers } from "./built-in.ts";
import type { GuestOfProcess, OwnHypervisorFacts } from "./kinds.ts";

const drivers: readonly OwnHypervisorFacts[] = Object.values(builtInDrivers.hypervisors);

/** Undefined: it is no guest's, or its driver does not tell by arguments. */
export function guestOfArgv(argv: readonly string[]): GuestOfProcess | undefined {
  for (const { guestOfArgv: guestOf } of drivers) {
    const guest = guestOf?.(argv);
    if (guest !== undefined) return guest;
  }
  return undefined;
}
