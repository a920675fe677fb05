/**
 * The guest-visible part of QEMU's command line, by the version of the guest's shape, and a hash to compare
 * two of them. Pure: the same instance has the same line on every host, after every restart.
 */
import { createHash } from "node:crypto";
import type { MachineInterface } from "../../../../protocol/interface.ts";
import type { MachineSpec } from "../../../../protocol/machine.ts";
import { hardwareOfBefore } from "./before.ts";
import type { Device, SeenHardware, SeenInterface, SeenVolume } from "./seen.ts";
import { cardOfShape1, diskOfShape1, hardwareOfShape1 } from "./shape-1.ts";

type Hardware = (seen: SeenHardware) => readonly string[];
type Card = (place: number, seen: SeenInterface) => Device;
type Disk = (seen: SeenVolume) => Device;

/** By version; new ones are added, and none is ever changed or removed. */
const hardware: ReadonlyMap<number, Hardware> = new Map([[1, hardwareOfShape1]]);
const cards: ReadonlyMap<number, Card> = new Map([[1, cardOfShape1]]);
const disks: ReadonlyMap<number, Disk> = new Map([[1, diskOfShape1]]);

/** The versions of shapes that guests can have, in rising order. */
export const shapeVersions: readonly number[] = [...hardware.keys()];

/** The machine type that guests of before had. */
const machineTypeOfBefore = "pc-q35-7.2";

export interface LineGiven {
  readonly spec: MachineSpec;
  readonly accelerator: "kvm" | "tcg";
  readonly hasRootDisk: boolean;
  readonly hasConfigDrive: boolean;
  readonly localDisks?: SeenHardware["localDisks"];
  readonly volumes?: SeenHardware["volumes"];
  readonly firmware: SeenHardware["firmware"];
}

const seenInterface = ({ mac, mtuBytes, place }: MachineInterface): SeenInterface =>
  place === undefined ? { mac, mtuBytes } : { mac, mtuBytes, place };

function seenBy({ spec, accelerator, ...given }: LineGiven): SeenHardware {
  const { instanceId, vcpus, memoryMib, numa, macAddress, shape } = spec;
  const interfaces = spec.interfaces?.map(seenInterface);
  const { machineType, cpuModel } = shape ?? {
    machineType: spec.machineType ?? machineTypeOfBefore,
    cpuModel: accelerator === "kvm" ? "host" : "qemu64",
  };
  return { instanceId, machineType, cpuModel, vcpus, memoryMib, numa, macAddress, interfaces, ...given };
}

/** The line of a guest. @throws Error for a version that is none of shapeVersions */
export function guestLine(given: LineGiven): readonly string[] {
  const { shape } = given.spec;
  const make = shape === undefined ? hardwareOfBefore : hardware.get(shape.version);
  if (make === undefined) throw new Error(`There is no hardware of version ${shape?.version}.`);
  return make(seenBy(given));
}

/**
 * The device of an interface that comes to a running guest: the very one that it would have had from its
 * start. @throws Error for a version that is none of shapeVersions
 */
export function guestCard(
  { shape }: Pick<MachineSpec, "shape">,
  place: number,
  seen: MachineInterface,
): Device {
  const make = shape === undefined ? undefined : cards.get(shape.version);
  if (make === undefined)
    throw new Error(`Hardware of version ${shape?.version} has no places for interfaces.`);
  return make(place, seenInterface(seen));
}

/**
 * The device of a volume that comes to a running guest, likewise. @throws Error as `guestCard`
 */
export function guestDisk({ shape }: Pick<MachineSpec, "shape">, seen: SeenVolume): Device {
  const make = shape === undefined ? undefined : disks.get(shape.version);
  if (make === undefined) throw new Error(`Hardware of version ${shape?.version} has no places for volumes.`);
  return make(seen);
}

/**
 * A hash of everything that a guest sees of its hardware: two hosts whose lines for it have the same one are
 * the same computer to the guest. QEMU is no judge of that: it takes in the memory of a guest with another
 * processor, another device or another MAC address and says nothing.
 */
export function likenessOf(given: LineGiven): string {
  const sizes = given.spec.numa?.nodes.map(({ memoryMib, pageKib }) => [memoryMib, pageKib ?? null]) ?? [];
  // Under KVM, QEMU takes features of every processor away and adds others.
  const seen = [given.accelerator, given.firmware, sizes, guestLine(given)];
  return createHash("sha256").update(JSON.stringify(seen)).digest("hex");
}
