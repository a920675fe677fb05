/**
 * The hypervisor, as the machine actor sees it: processes of guests, started, watched and ended. Types only;
 * no implementation is named here.
 */
import type { MachineSpec } from "../../protocol/machine.ts";

export interface HypervisorCapabilities {
  readonly kind: string;
  /** `kvm`, `tcg` or `none`. */
  readonly accelerator: string;
  readonly acceleratorReason: string;
  readonly version: string;
}

export type GuestStatus = "running" | "paused" | "shutdown" | "panicked";

/** The living process of a guest, proved to be ours. */
export interface Guest {
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly pid: number;
  readonly status: GuestStatus;
  readonly startedAtMs: number;
}

/** What a guest's process does unasked. `lost`: the process is gone though nobody ended it. */
export type GuestEvent =
  | { readonly kind: "paused" | "resumed" | "shutdown" | "reset" | "panicked"; readonly instanceId: string }
  | { readonly kind: "lost"; readonly instanceId: string };

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
  onEvent(listener: (event: GuestEvent) => void): void;
  /** Disconnects from every guest without touching it: the agent ends, guests run on. */
  detach(): Promise<void>;
}

/** Where a guest's files are on its host. */
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
}
