/** The host name that a guest is given, whatever hypervisor runs it. Pure. */
import type { MachineSpec } from "../../protocol/machine.ts";

/** A legal host name made from an instance's name: a space would begin a second kernel argument. */
export function hostName(spec: Pick<MachineSpec, "name" | "instanceId">): string {
  const name = spec.name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, "");
  return name === "" ? `i-${spec.instanceId.slice(0, 61)}` : name;
}
