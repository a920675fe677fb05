/** Whether everything is there that a guest is to be started with. Pure. */
import type { GuestPaths } from "../../actors/ports/hypervisor.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { refuseUntold } from "./config-drive/untold.ts";

/** @throws INTERNAL hypervisorRefused */
export function refuseIncomplete(spec: MachineSpec, paths: GuestPaths): void {
  refuseUntold(spec, paths);
  const { ephemeralGib = 0, swapMib = 0, instanceId } = spec;
  const missing = [
    ...(ephemeralGib > 0 && paths.ephemeral === undefined ? ["ephemeral"] : []),
    ...(swapMib > 0 && paths.swap === undefined ? ["swap"] : []),
  ];
  const [first] = missing;
  if (first !== undefined)
    throw new StatusError("hypervisorRefused", `No ${first} disk was made for instance ${instanceId}.`);
}
