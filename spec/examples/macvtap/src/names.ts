/**
 * What tells whose a macvtap is: its name and its alias, which Linux keeps as long as the macvtap itself. So
 * there is no file of ports, and no moment in which a file and the kernel differ. The name is there from the
 * first moment on, and says which host made it; the alias, right after that, says the rest. A macvtap that
 * has not both of a host is not that host's to touch. Pure.
 */
import { createHash } from "node:crypto";
import { type PortSpec, StatusError } from "novact/plugin";

/** Whose a port is. */
export interface Owner {
  readonly hostId: string;
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly portId: string;
}

const digits = (text: string, count: number): string =>
  createHash("sha256").update(text).digest("hex").slice(0, count);

/** What the names of a host's macvtaps begin with: Linux takes 15 bytes. */
export const prefixOf = (hostId: string): string => `nvm${digits(hostId, 4)}`;
export const nameOf = (hostId: string, portId: string): string => `${prefixOf(hostId)}${digits(portId, 8)}`;
/** Of the macvtap that is made and removed to see whether one can be. */
export const triedName = (hostId: string): string => `${prefixOf(hostId)}-try`;

const mark = "novact.macvtap";
const id = "([A-Za-z0-9_-]{1,64})";
const pattern = new RegExp(`^${mark}/${id}/${id}/([0-9]{1,15})/${id}$`);

export const aliasOf = ({ hostId, instanceId, ownerEpoch, portId }: Owner): string =>
  `${mark}/${hostId}/${instanceId}/${ownerEpoch}/${portId}`;

/** Undefined: the text is no alias of this driver's. */
export function ownerIn(alias: string | null): Owner | undefined {
  const [, hostId, instanceId, ownerEpoch, portId] = pattern.exec(alias ?? "") ?? [];
  if (hostId === undefined || instanceId === undefined || portId === undefined) return undefined;
  return { hostId, instanceId, ownerEpoch: Number(ownerEpoch), portId };
}

/** @throws StatusError hypervisorRefused when the port has an id that an alias cannot say */
export function ownerOf(hostId: string, { instanceId, ownerEpoch, portId }: PortSpec): Owner {
  const owner = { hostId, instanceId, ownerEpoch, portId };
  if (ownerIn(aliasOf(owner)) !== undefined) return owner;
  throw new StatusError("hypervisorRefused", "An id of the port cannot be told to Linux.");
}
