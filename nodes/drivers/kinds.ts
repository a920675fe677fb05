/**
 * The kinds of drivers, what each brings to a host, and what a host has of all of them together. A plug-in's
 * driver is of one of these types as well. Interfaces only.
 */

import type { FileHandle } from "node:fs/promises";
import type { Static, TObject } from "@sinclair/typebox";
import type { Consoles } from "../../actors/ports/consoles.ts";
import type { DiskSpace } from "../../actors/ports/disk-space.ts";
import type { Disks } from "../../actors/ports/disks.ts";
import type { Guard } from "../../actors/ports/guard.ts";
import type { Hypervisor } from "../../actors/ports/hypervisor.ts";
import type { ImageBytes } from "../../actors/ports/image-bytes.ts";
import type { Holding, Keeper } from "../../actors/ports/keeper.ts";
import type { MachineFiles } from "../../actors/ports/machine-files.ts";
import type { Network } from "../../actors/ports/network.ts";
import type { StorageLeases } from "../../actors/ports/storage-leases.ts";
import type { VolumeStorage } from "../../actors/ports/volumes.ts";
import type { ImageCacheAudit } from "../../protocol/image-cache.ts";
import type { Clock, Ids, Log } from "../../protocol/wire/transport.ts";
import type { KnownPeers } from "./images/known-peers.ts";
import type { AskImageOrigins } from "./images/pulled.ts";

export type { ImageCacheAudit } from "../../protocol/image-cache.ts";

/** What a driver of any kind knows of its host. */
export interface DriverContext {
  readonly hostId: string;
  readonly hostName: string;
  /** Directory of this host alone: two agents in one directory would adopt each other's guests. */
  readonly stateDirectory: string;
  /** Directory that all nodes of this computer share, for what one of them finds out for all. */
  readonly computerDirectory: string;
  /** Directory of registered images, by checksum; a host that is elsewhere does not see it. */
  readonly imageStore: string;
  /** Asks controllers who has an image. Absent: images come from the directory alone. */
  readonly imageOrigins?: AskImageOrigins;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** What is known of a driver without opening it: configurations are checked and computers set up by it. */
export interface DriverFacts<O extends TObject = TObject> {
  /** Of the driver's options in cluster.yaml; each property's `description` tells a person what to write. */
  readonly options: O;
  /**
   * True: nothing of it is on the computer, no process and no file, and all of it ends with its agent; so a
   * node has whatever capacity it says. For tests of scale. Absent: false.
   */
  readonly pretends?: boolean;
}

interface DriverOf<Context, Opened, O extends TObject> extends DriverFacts<O> {
  /** Makes the port; starts nothing, and waits for nothing. */
  open(context: Context, options: Static<O>): Opened;
}

/** What a disks driver brings to a host. */
export interface DisksPart {
  readonly disks: Disks;
  /**
   * Id of the host's storage: hosts with the same id see the same disks; null: no other host sees this host's
   * disks.
   */
  readonly storageId: string | null;
  /**
   * Makes the storage leases on the shared storage, called once, when the hypervisor can tell who holds one.
   * Absent: the host shares no storage, or the storage has none.
   */
  readonly storageLeases?: (everyGuestHolds: (path: string) => Promise<boolean>) => StorageLeases;
  /**
   * Opens the file that a guest's process has to hold open until it ends, for the proof by storage. The
   * caller closes its own. Absent, or answering undefined: no such file.
   */
  readonly openLease?: () => Promise<FileHandle | undefined>;
  /** The file systems that disks fill. */
  readonly space: DiskSpace;
  readonly keepers: readonly Keeper[];
  /** Sentences about what is there and is no holding, as in AuditFindings. */
  readonly strays?: () => Promise<readonly string[]>;
  /** How the cache of images stands. Absent: the disks have no cache. */
  readonly imageCache?: () => Promise<ImageCacheAudit>;
  /** The images that other hosts get from the cache. Absent: other hosts get none. */
  readonly givenImages?: GivenImages;
}

/** The images that a host gives to others. */
export interface GivenImages {
  readonly bytes: ImageBytes;
  /** As CachedImages.list. */
  list(): readonly string[];
  /** Bytes of images that came to the host in this life of the agent. */
  readonly came: Pick<KnownPeers, "fromPeersBytes" | "fromControllersBytes" | "lies">;
  readonly transfersMax: number;
  /** Undefined: no limit. */
  readonly bytesPerSecondMax: number | undefined;
}

/** A guest that is known to print its marker on its console, to try a computer's abilities with. */
export interface ProbeGuest {
  readonly kernel: string;
  readonly ramdisk: string;
  /** Kernel arguments that put the guest's console on the serial line. */
  readonly commandLine: string;
  readonly marker: string;
}

/** What a hypervisor driver knows beside: what the host's other drivers brought. */
export interface HypervisorContext extends DriverContext {
  readonly disks: DisksPart;
  /** Absent: the computer has no such guest. */
  readonly probe?: ProbeGuest;
}

export interface HypervisorPart {
  readonly hypervisor: Hypervisor;
  readonly consoles: Consoles;
  /** As Drivers.guard. */
  guard(): Promise<Guard>;
  readonly keepers: readonly Keeper[];
  /** Sentences about what is there and is no holding, as in AuditFindings. */
  readonly strays?: () => Promise<readonly string[]>;
  /**
   * Whether every living guest that another host may take over has the file at the path open, as
   * DisksPart.openLease gave it; false in doubt. Absent: its guests can hold none, and the host relies on no
   * storage lease.
   */
  readonly everyGuestHolds?: (path: string) => Promise<boolean>;
  /** Absent: in the state directory. */
  readonly machineFiles?: MachineFiles;
  /** As Drivers.machineTypes. */
  readonly machineTypes?: () => Promise<readonly string[]>;
}

export interface GuestOfProcess {
  readonly instanceId: string;
  readonly ownerEpoch: number;
}

export interface HypervisorFacts<O extends TObject = TObject> extends DriverFacts<O> {
  /** Other names that an image's properties may have for it. */
  readonly aliases?: readonly string[];
  /** Name of the disks driver of a node that names none. Absent: `files`. */
  readonly disks?: string;
  /**
   * Names of the disks drivers whose disks its guests can have; a node with others is refused. Absent: any.
   * What has no guard must name none that hosts can share.
   */
  readonly disksOnly?: readonly string[];
  /** Name of the network driver of a node that names none. Absent: the node has none. */
  readonly network?: string;
  /** Name of the volumes driver of a node that names none. Absent: the node has none. */
  readonly volumes?: string;
  /** True: it uses HypervisorContext.probe, which the set-up makes. Absent: false. */
  readonly probes?: boolean;
}

/** What benches and the chaos tool know beside of novact's own hypervisors. */
export interface OwnHypervisorFacts<O extends TObject = TObject> extends HypervisorFacts<O> {
  /** Whose guest a process of the driver is, by its arguments. Absent, or undefined: they do not tell. */
  readonly guestOfArgv?: (argv: readonly string[]) => GuestOfProcess | undefined;
  /** The names of the programs that the driver calls. */
  readonly programs?: { readonly emulator?: string; readonly diskTool?: string };
}

export interface HypervisorDriver<O extends TObject = TObject>
  extends DriverOf<HypervisorContext, HypervisorPart, O>,
    HypervisorFacts<O> {}
export type DisksDriver<O extends TObject = TObject> = DriverOf<DriverContext, DisksPart, O>;
export type NetworkDriver<O extends TObject = TObject> = DriverOf<DriverContext, Network, O>;
export type VolumesDriver<O extends TObject = TObject> = DriverOf<DriverContext, VolumeStorage, O>;

/** The names by which a cluster.yaml chooses, and what is behind each. */
type ByName<T> = Readonly<Record<string, T>>;

/** What is known of all drivers that can be chosen. */
export interface KnownDrivers {
  readonly hypervisors: ByName<HypervisorFacts>;
  readonly disks: ByName<DriverFacts>;
  readonly networks: ByName<DriverFacts>;
  readonly volumes: ByName<DriverFacts>;
}

/** All drivers that can be chosen: those of novact, and those of plug-ins. */
export interface DriverRegistry extends KnownDrivers {
  readonly hypervisors: ByName<HypervisorDriver>;
  readonly disks: ByName<DisksDriver>;
  readonly networks: ByName<NetworkDriver>;
  readonly volumes: ByName<VolumesDriver>;
}

/** A driver's name, and options that its schema has passed. */
export interface DriverChoice {
  readonly driver: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** One choice of each kind; undefined: the node has no driver of that kind. */
export interface DriverChoices {
  readonly hypervisor: DriverChoice;
  readonly disks: DriverChoice;
  readonly network: DriverChoice | undefined;
  readonly volumes: DriverChoice | undefined;
}

/** What is really on a host, found without asking any actor. */
export interface AuditFindings {
  /** What the keepers keep, each with its keeper's kind. */
  readonly holdings: readonly (Holding & { readonly kind: string })[];
  /** Those of the holdings that are processes of guests. */
  readonly processes: readonly {
    readonly instanceId: string;
    readonly pid: number;
    readonly status: string;
  }[];
  /** Those of the holdings that have files. */
  readonly directories: readonly { readonly instanceId: string; readonly files: readonly string[] }[];
  /**
   * Sentences about what is no holding, since it belongs to no instance or is left of one: sockets, pid
   * files, partial copies, processes without a directory.
   */
  readonly strays: readonly string[];
  /** Absent: the host's disks have no cache of images. */
  readonly imageCache?: ImageCacheAudit;
}

/** What a host has of its drivers. */
export interface Drivers {
  /** The names in cluster.yaml; null: there is none of that kind. */
  readonly names: {
    readonly hypervisor: string;
    readonly disks: string;
    readonly network: string | null;
    readonly volumes: string | null;
  };
  readonly hypervisor: Hypervisor;
  readonly disks: Disks;
  /** False: the disks end with the agent. */
  readonly keepsDisks: boolean;
  /** As DisksPart.storageId. */
  readonly storageId: string | null;
  /** Storage leases on the shared storage; absent: the host shares none. */
  readonly storageLeases?: StorageLeases;
  readonly network?: Network;
  /** The host's own first. Absent: it keeps no volumes. */
  readonly volumes?: readonly VolumeStorage[];
  readonly machineFiles: MachineFiles;
  readonly consoles: Consoles;
  readonly space: DiskSpace;
  /** As DisksPart.givenImages. */
  readonly givenImages?: GivenImages;
  /** All that keep something on the host. */
  readonly keepers: readonly Keeper[];
  /**
   * The guard of this host, started when it does not live; it outlives its caller. One caller at a time.
   * @throws Error when it does not answer
   */
  guard(): Promise<Guard>;
  /** Lists what the keepers keep, and the strays, without a change to anything. */
  audit(): Promise<AuditFindings>;
  /**
   * The machine types that a guest can have, in the hypervisor's words; absent: there is no choice. Never
   * rejects.
   */
  readonly machineTypes?: () => Promise<readonly string[]>;
}
