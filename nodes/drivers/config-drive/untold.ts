/** Whether a guest that is to be told by a drive has one. Pure. */
import type { GuestPaths } from "../../../actors/ports/hypervisor.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";

/**
 * A guest without its drive would begin its life without its key, and never look for the drive again.
 * @throws INTERNAL hypervisorRefused
 */
export function refuseUntold({ guest, instanceId }: MachineSpec, { configDrive }: GuestPaths): void {
  if (guest?.configDrive !== true || configDrive !== undefined) return;
  throw new StatusError("hypervisorRefused", `No config drive was made for instance ${instanceId}.`);
}
