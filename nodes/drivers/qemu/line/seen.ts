/**
 * The hardware of a guest as the guest sees it, as a part of QEMU's command line: nothing of its host is in
 * it, no path, no descriptor, no CPU. Types only.
 */
import type { MachineInterface } from "../../../../protocol/interface.ts";
import type { NumaPlacement } from "../../../../protocol/numa.ts";

/** Everything that the hardware of a guest is made of. */
export interface SeenHardware {
  readonly instanceId: string;
  /** In full, versioned names. */
  readonly machineType: string;
  readonly cpuModel: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly numa: NumaPlacement | null;
  readonly hasRootDisk: boolean;
  readonly hasConfigDrive: boolean;
  /** Absent: it has none. */
  readonly localDisks?: readonly LocalDiskKind[] | undefined;
  /** Of the one interface of a guest that is told of none. */
  readonly macAddress: string;
  /** In the guest's order. Undefined: the guest has one with `macAddress`. */
  readonly interfaces: readonly SeenInterface[] | undefined;
  /** Undefined: none. */
  readonly volumes?: readonly SeenVolume[] | undefined;
  /** The program that begins the boot: the machine type's own, or qboot. */
  readonly firmware: "bios" | "qboot";
}

/** Without the ids of its port and network, which mean nothing to the guest. */
export type SeenInterface = Pick<MachineInterface, "mac" | "mtuBytes" | "place">;

export interface SeenVolume {
  readonly place: number;
  readonly serial: string;
  /** From 0 on. Undefined: it is not booted from. */
  readonly bootIndex?: number | undefined;
}

/** In the order in which a guest sees them. */
export const localDiskKinds = ["ephemeral", "swap"] as const;
export type LocalDiskKind = (typeof localDiskKinds)[number];

/** Id of a volume's device, by the place that the volume is in. */
export const volumeDevice = (place: number): string => `volume${place}`;

/** A device's properties, its driver among them. */
export type Device = Readonly<Record<string, unknown>>;

/** Names of what a device on the guest's side is connected to on its host's. */
export const backends = {
  console: "console",
  agent: "agent",
  random: "random0",
  network: (index = 0) => `net${index}`,
  root: "root",
  config: "config",
  ephemeral: "ephemeral",
  swap: "swap",
} as const;

/** Linux finds the config drive as a disk, by its label. */
export const configDriveAt = (bus: string): readonly string[] =>
  device({ driver: "virtio-blk-pci", id: "config0", drive: backends.config, bus });

/** A device as QEMU takes it: in JSON, so that no value ever becomes part of an option's syntax. */
export const device = (properties: Device): readonly string[] => ["-device", JSON.stringify(properties)];
