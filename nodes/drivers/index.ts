/** The drivers of a host, by name. A new set of drivers is a folder, a factory, and a line here. */
import { createFakeDrivers } from "./fake/index.ts";
import type { DriverFactory, DriverOptions, Drivers } from "./kinds.ts";
import { createQemuDrivers } from "./qemu/index.ts";

export type { AuditFindings, DriverOptions, Drivers } from "./kinds.ts";

const factories = {
  qemu: createQemuDrivers,
  fake: createFakeDrivers,
} as const satisfies Record<string, DriverFactory>;

export type DriverName = keyof typeof factories;

/**
 * Makes the ports of one host. Starts nothing: QEMU's version and accelerator are determined when they are
 * asked for.
 */
export function createDrivers(name: DriverName, options: DriverOptions): Drivers {
  return factories[name](options);
}
