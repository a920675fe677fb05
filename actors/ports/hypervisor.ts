/**
 * The hypervisor, as the machine actor sees it: processes of guests, started, watched and ended. Types only;
 * no implementation is named here.
 */
import type { MachineSpec } from "../../protocol/machine.ts";
import type { OfferedShapes } from "../../protocol/shape.ts";
import type { LossReason } from "../../protocol/states.ts";
import type { NetworkDevice } from "./network.ts";
import type { BlockDevice } from "./volumes.ts";

/** What bounds the processes of guests. `v1`, `v2`: cgroups of that version. */
export type BoundBy = "v1" | "v2" | "none";

export interface Bounding {
  readonly memory: BoundBy;
  readonly processes: BoundBy;
  readonly cpu: BoundBy;
  /** What stops a guest as a whole, with all its processes. `none`: each process is sent signals. */
  readonly freezer: BoundBy;
  /** The reason for each `none`; empty when there is none. */
  readonly why: string;
}

export interface HypervisorCapabilities {
  readonly kind: string;
  /** `kvm`, `tcg` or `none`. */
  readonly accelerator: string;
  readonly acceleratorReason: string;
  readonly version: string;
  /** Absent: the hypervisor has no processes that could be bounded. */
  readonly bounding?: Bounding;
  /** What it can plug a guest's network interface into; empty: guests have no network. */
  readonly networks: readonly NetworkDevice["kind"][];
  /**
   * What it opens as a guest's volume, beside the root disk. With any it has the verbs of volumes; empty: no
   * guest of the cluster is given one by it, whatever verbs it has.
   */
  readonly volumes: readonly BlockDevice["kind"][];
  /** Whether devices come and go while a guest runs. */
  readonly hotPlug: boolean;
  /** Whether a guest moves to another host while it runs. */
  readonly liveMigration: boolean;
  /** Whether a guest's console is logged and can be read. */
  readonly console: boolean;
  /** Whether a guest is given the config drive of its paths. Absent: it is not. */
  readonly configDrive?: boolean;
  /** Guests can have ephemeral and swap disks. Absent: they cannot. */
  readonly localDisks?: boolean;
  /** Whether a guest's memory can be written to a file, and the guest go on from there. */
  readonly save: boolean;
  /**
   * The shapes that it can give guests. A start with one of them gives the guest exactly that hardware,
   * however often and on whatever host; one with another is refused. Absent: it has none, and ignores them.
   */
  readonly shapes?: OfferedShapes;
}

export type GuestStatus = "running" | "paused" | "shutdown" | "panicked";

/** The living process of a guest, proved to be ours. */
export interface Guest {
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly pid: number;
  readonly status: GuestStatus;
  readonly startedAtMs: number;
  /** Present when a full storage has paused the guest: a write waits there for room. */
  readonly pausedBy?: "diskFull";
}

/** A volume, of the epoch of its present writer. */
export interface VolumeName {
  readonly volumeId: string;
  readonly epoch: number;
}

/** A volume of a guest. The disk's serial number in the guest is the first twenty characters of the id. */
export interface GuestVolume extends VolumeName {
  /** Of the places that a guest has for volumes, from 0 on: the order of its disks goes by them. */
  readonly place: number;
  readonly device: BlockDevice;
  /** The order in which disks are tried at its boot, from 0 on. Absent: it is not booted from. */
  readonly bootIndex?: number;
}

/** What a guest's process has of a volume. */
export interface AttachedVolume extends VolumeName {
  readonly place: number;
  /**
   * `attached`: the guest has it. `open`: the guest has not, but the process may have its file open. `dead`:
   * the guest has not given it back; the file is closed or about to be, the guest's device fails whatever it
   * asks, and its place is free when the guest gives it back or ends.
   */
  readonly state: "attached" | "open" | "dead";
}

export interface DetachOptions {
  /** True: the guest is not asked. Absent: it has 30 s to give the volume back. */
  readonly force?: boolean;
  /** How much of that time has passed in earlier tries. Absent: nothing. */
  readonly waitedMs?: number;
}

export interface RootCopy {
  /** A file in the guest's directory, which its process may write to. */
  readonly path: string;
  readonly bytesPerSecond: number;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
}

/** Why a guest's process ended. The message is for its owner: a sentence. */
export interface Loss {
  readonly reason: LossReason;
  readonly message: string;
}

/**
 * What a guest's process does unasked. `lost`: the process is gone though nobody ended it. Without `why` the
 * host cannot tell the cause.
 */
export type GuestEvent =
  | { readonly kind: "resumed" | "shutdown" | "reset" | "panicked"; readonly instanceId: string }
  | { readonly kind: "paused"; readonly instanceId: string; readonly why?: Guest["pausedBy"] }
  /** The guest has given back the volume in this place. Absent: of one or several nobody can tell. */
  | { readonly kind: "ejected"; readonly instanceId: string; readonly place?: number }
  | { readonly kind: "lost"; readonly instanceId: string; readonly why?: Loss | undefined };

/**
 * Runs guests. Every verb is idempotent, resolves when its effect is proved (not when the request was sent),
 * and ends early with an AbortError when its signal is aborted. @throws StatusError guestFailed,
 * hypervisorRefused, diskFull, imageMissing
 */
export interface Hypervisor {
  capabilities(): Promise<HypervisorCapabilities>;
  /**
   * Resolves when the guest's process exists and its CPUs run. A living process of the same instance and
   * owner epoch is adopted instead; a process of an older owner epoch is halted first.
   */
  start(spec: MachineSpec, paths: GuestPaths, signal: AbortSignal): Promise<Guest>;
  /** Adopts every living guest of this host, and answers them. Called when the agent starts. */
  list(): Promise<readonly Guest[]>;
  /** The living guest, or undefined. */
  inspect(instanceId: string): Promise<Guest | undefined>;
  pause(instanceId: string, signal: AbortSignal): Promise<void>;
  resume(instanceId: string, signal: AbortSignal): Promise<void>;
  /**
   * Presses the power button; resolves when it is pressed. The guest's reaction comes later, as a `shutdown`
   * event, or never.
   */
  pressPowerButton(instanceId: string, signal: AbortSignal): Promise<void>;
  /** Presses the reset button; resolves when the guest runs again. */
  reset(instanceId: string, signal: AbortSignal): Promise<void>;
  /** Ends the process; resolves when it is gone. */
  halt(instanceId: string, signal: AbortSignal): Promise<void>;
  /**
   * Makes the interfaces of a living guest those of the spec, each in its place and plugged into its device;
   * `devices` are in the order of the spec. It takes away as `unplugOthers`. Absent: interfaces of a living
   * guest cannot change. @throws hypervisorRefused, also for a place in which a dead interface is
   */
  rewire?(spec: MachineSpec, devices: readonly NetworkDevice[], signal: AbortSignal): Promise<void>;
  /**
   * Takes away the interfaces of a living guest that the spec does not have, and leaves the others, without
   * needing a device for one that is to come. When it resolves, nothing passes between the guest and what it
   * was plugged into, also of a guest that does not let go of its interface: what is left of that in the
   * guest is dead, and goes when the process ends. There whenever `rewire` is.
   */
  unplugOthers?(spec: MachineSpec, signal: AbortSignal): Promise<void>;
  /**
   * Gives a living guest a volume more, in its place. What an earlier life of the agent has left half done is
   * completed. Absent: no volume comes while a guest runs. @throws hypervisorRefused, also for a place in
   * which another volume is, or a dead one
   */
  attachVolume?(spec: MachineSpec, volume: GuestVolume, signal: AbortSignal): Promise<void>;
  /**
   * Takes a volume from a living guest. When it resolves, the process has its file closed, also of a guest
   * that does not let go of it: what is left of it in the guest is dead. It ends in a little more than the
   * guest's time, at once for a guest that can give nothing back, and holds up no other verb meanwhile. There
   * whenever `attachVolume` is. @throws hypervisorRefused when the hypervisor does not answer
   */
  detachVolume?(
    spec: MachineSpec,
    volume: VolumeName,
    options: DetachOptions,
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * What the process of a guest has of volumes, found without a look at any storage. There whenever
   * `attachVolume` is.
   */
  volumesOf?(instanceId: string, signal: AbortSignal): Promise<readonly AttachedVolume[]>;
  /**
   * Tells a living guest that a volume is larger, when its storage has extended it. There whenever
   * `attachVolume` is. @throws hypervisorRefused for a size below the present one
   */
  resizeVolume?(
    spec: MachineSpec,
    volume: GuestVolume,
    sizeBytes: number,
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Lets a guest go on that a full disk has paused; what it wrote is tried again. False: no full disk has
   * paused it, or it was let go on a moment ago. Absent: no guest pauses for that.
   */
  continueFull?(instanceId: string, signal: AbortSignal): Promise<boolean>;
  /**
   * Copies the root disk of a living guest, as it is when the copy begins, into a file that is there and
   * empty; resolves when the copy is whole and closed. It holds up no other verb, and what is left of an
   * earlier copy ends first. Absent: the disk of a living guest cannot be copied. @throws diskFull; copyLost
   * when the guest ends meanwhile
   */
  copyRoot?(instanceId: string, copy: RootCopy, signal: AbortSignal): Promise<void>;
  /** Ends what an earlier life of the agent has begun to copy. There whenever `copyRoot` is. */
  endCopy?(instanceId: string): Promise<void>;
  onEvent(listener: (event: GuestEvent) => void): void;
  /** Disconnects from every guest without touching it: the agent ends, guests run on. */
  detach(): Promise<void>;
}

/** Where a guest's files are on its host, and what it is plugged into there. */
export interface GuestPaths {
  readonly directory: string;
  /** Absent when the image has no disk. */
  readonly disk: string | undefined;
  /**
   * The disk is opened without the page cache: everything that the process wrote before it was stopped is on
   * the storage by then, and nothing is written back later. Absent: false.
   */
  readonly direct?: boolean;
  /** The base image of the overlay. Absent: the image in the host's own cache. */
  readonly base?: string | undefined;
  readonly kernel: string | undefined;
  readonly ramdisk: string | undefined;
  /** Raw files, on the same storage as the disk and opened as it is. Absent: the guest has no such disk. */
  readonly ephemeral?: string | undefined;
  readonly swap?: string | undefined;
  /** The config drive: a disk that the guest may only read. Absent: the guest has no config drive. */
  readonly configDrive?: string | undefined;
  /** Volumes of the guest from its start on. Absent: the guest starts without volumes. */
  readonly volumes?: readonly GuestVolume[];
  /**
   * What its network interfaces are plugged into, in the order of the spec. Absent: the spec names none, and
   * the guest has one that reaches nobody.
   */
  readonly interfaces?: readonly NetworkDevice[];
  /** Path of the network namespace of devices that may come later. Absent: the hypervisor's own choice. */
  readonly namespace?: string;
  /**
   * To be called in a start, when the process has opened what its interfaces are plugged into and its CPUs do
   * not run yet; also in one that adopts a living process. When it fails, so does the start. Absent: nobody
   * waits for it.
   */
  readonly plugged?: (signal: AbortSignal) => Promise<void>;
}
