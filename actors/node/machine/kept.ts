/**
 * Releases what drivers keep for a machine beside its process and its disks: ports of networks, open volumes,
 * and whatever a driver that nobody here knows has made. It asks each keeper what is there, since nobody
 * remembers it; what belongs to a later owner epoch stays.
 */
import type { MachineSpec } from "../../../protocol/machine.ts";
import type { Keeper } from "../../ports/keeper.ts";

/** Idempotent. @throws what a keeper throws: the caller tries again */
export async function releaseKept(
  keepers: readonly Keeper[],
  { instanceId, ownerEpoch }: Pick<MachineSpec, "instanceId" | "ownerEpoch">,
  signal: AbortSignal,
): Promise<void> {
  for (const keeper of keepers) {
    const own = (await keeper.list()).filter((one) => one.instanceId === instanceId);
    for (const holding of own) if (holding.ownerEpoch <= ownerEpoch) await keeper.release(holding, signal);
  }
}
