/**
 * The root ports of a machine of shape 1, and what each of them is for. A device can be plugged into a
 * running guest only at a free port, and what a guest calls its disks and interfaces goes by the order of
 * their ports: so a port has one purpose for ever, also while nothing is in it. Pure.
 */
import { device } from "./seen.ts";

const functionsOfSlot = 8;
/** The first of six slots of the root bus; those below are for the devices that are always there. */
const firstSlot = 0x10;

/**
 * In the order of their addresses. Interfaces come first, in a slot of their own. A rescue disk comes before
 * the root disk, as in Nova: what is booted is the first disk. Volumes come after what is there from the
 * beginning, and the config drive after them, so that neither moves the others' names.
 */
const purposes = [
  ["nic", 8],
  ["rescue", 1],
  ["root", 1],
  ["ephemeral", 1],
  ["swap", 1],
  ["free", 4],
  ["volume", 26],
  ["config", 1],
  ["free", 5],
] as const;
export type PortPurpose = Exclude<(typeof purposes)[number][0], "free">;

const all = purposes.flatMap(([purpose, count]) => Array.from({ length: count }, () => purpose));

/** The id of the port for the device of this purpose, counted from 0. @throws Error when there is none */
export function portOf(purpose: PortPurpose, index = 0): string {
  const at = all.flatMap((one, position) => (one === purpose ? [position] : []))[index];
  if (at === undefined) throw new Error(`There is no port for ${purpose} ${index}.`);
  return idOf(at);
}

/** How many ports there are for devices of this purpose. */
export const placesFor = (purpose: PortPurpose): number => all.filter((one) => one === purpose).length;

const idOf = (position: number): string => `port${position + 1}`;

/** All ports, as functions of their slots: a slot each would leave no room on the root bus. */
export const rootPorts = (): readonly string[] =>
  all.flatMap((_, position) =>
    device({
      driver: "pcie-root-port",
      id: idOf(position),
      bus: "pcie.0",
      addr: addressOf(position),
      multifunction: true,
      chassis: position + 1,
      slot: position + 1,
    }),
  );

function addressOf(position: number): string {
  const slot = firstSlot + Math.floor(position / functionsOfSlot);
  return `0x${slot.toString(16)}.0x${position % functionsOfSlot}`;
}
