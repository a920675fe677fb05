/** The host name that a guest is given, whatever hypervisor runs it. Pure. */
import { hostnameOf } from "../../protocol/guest-data.ts";
import type { MachineSpec } from "../../protocol/machine.ts";

/** The host name that the instance has; made of its name where an older controller did not say. */
export const hostName = (spec: Pick<MachineSpec, "name" | "instanceId" | "guest">): string =>
  spec.guest?.hostname ?? hostnameOf(spec);
