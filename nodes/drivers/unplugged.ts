/** Whether a guest is plugged into all that it is to be plugged into. Pure. */
import type { GuestPaths } from "../../actors/ports/hypervisor.ts";
import type { NetworkDevice } from "../../actors/ports/network.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/wire/status.ts";

/**
 * A guest on fewer networks than it was asked for would be another computer, and one on the wrong network
 * would be somebody else's. @throws INTERNAL hypervisorRefused
 */
export function refuseUnplugged({ interfaces, instanceId }: MachineSpec, paths: GuestPaths): void {
  const wanted = interfaces?.map(({ mac }) => mac).join(" ");
  if (wanted === paths.interfaces?.map(({ mac }) => mac).join(" ")) return;
  throw new StatusError("hypervisorRefused", `Instance ${instanceId} is not plugged into its ports.`);
}

/** Of a hypervisor that opens devices of some kinds only. @throws INTERNAL hypervisorRefused */
export function refuseDevices(
  { interfaces = [] }: GuestPaths,
  opened: readonly NetworkDevice["kind"][],
): void {
  const other = interfaces.find(({ kind }) => !opened.includes(kind));
  if (other === undefined) return;
  const message = `The hypervisor plugs guests into ${opened.join(", ")}, and its host's network offers ${other.kind}.`;
  throw new StatusError("hypervisorRefused", message);
}
