/**
 * Names of the devices that stand for ports and networks in the fabric, as pure functions of their ids. Linux
 * takes 15 bytes: three letters that mark a device as ours, and 12 hexadecimal digits. Two ids may come to
 * one name, however rarely: who makes a device has to look first, and the device's alias has the whole id.
 */
import { createHash } from "node:crypto";

/** A device without one of these is not ours, and must never be touched. */
export const devicePrefixes = {
  ...{ tap: "nvt", bridge: "nvb", vxlan: "nvx", router: "nvr", hatch: "nvh" },
} as const;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-([0-9a-f]{12})$/;

/** The end of a UUID is random in all its versions; its beginning is a time, and the same for many. */
export const digitsOf = (id: string): string =>
  uuid.exec(id)?.[1] ?? createHash("sha256").update(id).digest("hex").slice(0, 12);

/** The port's tap. */
export const tapName = (portId: string): string => `${devicePrefixes.tap}${digitsOf(portId)}`;
/** The network's bridge. */
export const bridgeName = (networkId: string): string => `${devicePrefixes.bridge}${digitsOf(networkId)}`;
/** The network's way to other hosts, a port of its bridge. */
export const vxlanName = (networkId: string): string => `${devicePrefixes.vxlan}${digitsOf(networkId)}`;

/** The responder's way into the network's bridge, a port of the bridge. */
export const hatchName = (networkId: string): string => `${devicePrefixes.hatch}${digitsOf(networkId)}`;

/** A router's interface: a port of the network's bridge, and with the same name in the router. */
export const routerPortName = (portId: string): string => `${devicePrefixes.router}${digitsOf(portId)}`;

/**
 * The MAC address of a network's bridge, the same on all hosts: a guest that has moved to another host finds
 * the services of that one behind it. Locally administered, and of one device.
 */
export const bridgeMac = (networkId: string): string =>
  `0e:6e:${(digitsOf(networkId).slice(4).match(/../g) ?? []).join(":")}`;

const own = new RegExp(`^(?:${Object.values(devicePrefixes).join("|")})[0-9a-f]{12}$`);

/** Whether a device of this name is ours to change and remove. */
export const isOwnDevice = (name: string): boolean => own.test(name);

/** The ids that must do without a device, because a smaller one has its name already. */
export function clashing(ids: readonly string[]): ReadonlySet<string> {
  const taken = new Set<string>();
  const late = new Set<string>();
  for (const id of [...new Set(ids)].sort()) {
    const digits = digitsOf(id);
    if (taken.has(digits)) late.add(id);
    taken.add(digits);
  }
  return late;
}
