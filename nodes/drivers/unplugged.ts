/** Whether a guest is plugged into all that it is to be plugged into. Pure. */
import type { NetworkDevice } from "../../actors/ports/network.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/wire/status.ts";

/**
 * A guest on fewer networks than it was asked for would be another computer, and one on the wrong network
 * would be somebody else's. `opens`: the kinds of devices that the hypervisor can plug it into.
 * @throws INTERNAL hypervisorRefused
 */
export function refuseUnplugged(
  { interfaces, instanceId }: MachineSpec,
  { interfaces: devices }: { readonly interfaces?: readonly NetworkDevice[] } & object,
  opens: readonly NetworkDevice["kind"][],
): void {
  const wanted = interfaces?.map(({ mac }) => mac).join(" ");
  if (wanted !== devices?.map(({ mac }) => mac).join(" "))
    throw new StatusError("hypervisorRefused", `Instance ${instanceId} is not plugged into its ports.`);
  const places = new Set(interfaces?.map(({ place }, index) => place ?? index));
  if (places.size !== (interfaces?.length ?? 0))
    throw new StatusError("hypervisorRefused", `Two interfaces of instance ${instanceId} have one place.`);
  const other = devices?.find(({ kind }) => !opens.includes(kind));
  if (other === undefined) return;
  const message = `The hypervisor plugs guests into ${opens.join(", ")}, and its host's network offers ${other.kind}.`;
  throw new StatusError("hypervisorRefused", message);
}

/** A guest on another network than the operator's would be somebody else's. @throws hypervisorRefused */
export function refuseUncarried(
  physicalNetwork: string | undefined,
  physicalNetworks: readonly string[] = [],
): void {
  if (physicalNetwork === undefined || physicalNetworks.includes(physicalNetwork)) return;
  const message = `The host is not on the physical network ${physicalNetwork}.`;
  throw new StatusError("hypervisorRefused", message);
}
