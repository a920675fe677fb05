/**
 * Hatches: devices of a node's bridges by which the responder gets whole frames of guests, and gives them
 * whole frames, since Linux hands messages of routers to no process without rights of its own. A hatch is a
 * tunnel (VXLAN) that ends at the responder's socket, and never leaves the namespace of the bridges. Values
 * only.
 */

/** UDP ports at the service address: where hatches take frames of the responder's, and it takes theirs. */
export const hatchPorts = { device: 4_790, responder: 4_791 } as const;

/** Frames for it are the responder's. No guest and no network has it. */
export const hatchMac = "0a:6e:ff:ff:ff:ff";

/** Says which port has asked: the kernel writes it over the frame's sender. `number`: the port's service. */
export const askerMac = (number: number): string =>
  `0a:6e:${(number.toString(16).padStart(8, "0").match(/../g) ?? []).join(":")}`;
