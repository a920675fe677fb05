/**
 * What a host says of itself, with all its fields, as both stores keep it: agents may leave some out. Pure.
 */
import type { HostInventory } from "../../protocol/machine.ts";

/** What an agent does not say is empty. */
export function wholeInventory(inventory: HostInventory) {
  return { labels: {}, features: [], machineTypes: [], numa: [], storageId: null, ...inventory };
}
