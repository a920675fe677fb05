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

/** A living process of a guest, ours beyond doubt. */
export interface Guest {
  readonly instanceId: string;
  readonly epoch: number;
  readonly pid: number;
  readonly status: GuestStatus;
  readonly startedAtMs: number;
}

/** What a guest's process does by itself. `lost`: it is gone without being asked. */
export type GuestEvent =
  | { readonly kind: "paused" | "resumed" | "shutdown" | "reset" | "panicked"; readonly instanceId: string }
  | { readonly kind: "lost"; readonly instanceId: string };

/**
 * Runs guests. Every verb is idempotent, ends when its work is proved (not when it was sent), and ends early
 * with an AbortError when its signal is aborted. @throws StatusError guestFailed, hypervisorRefused,
 * diskFull, imageMissing
 */
export interface Hypervisor {
  capabilities(): Promise<HypervisorCapabilities>;
  /**
   * The guest's process exists and its CPUs run when this resolves. A living process of the same instance and
   * epoch is taken over (adopted) instead; one of an older epoch is halted first.
   */
  start(spec: MachineSpec, paths: GuestPaths, signal: AbortSignal): Promise<Guest>;
  /** Every living guest of this host, adopted: with control over it. Called at start of the agent. */
  list(): Promise<readonly Guest[]>;
  /** The living guest, or undefined. */
  inspect(instanceId: string): Promise<Guest | undefined>;
  pause(instanceId: string, signal: AbortSignal): Promise<void>;
  resume(instanceId: string, signal: AbortSignal): Promise<void>;
  /**
   * Presses the power button; resolves when it was pressed. The guest's answer comes as a `shutdown` event,
   * or never.
   */
  pressPowerButton(instanceId: string, signal: AbortSignal): Promise<void>;
  /** Like the reset button; the guest runs again when this resolves. */
  reset(instanceId: string, signal: AbortSignal): Promise<void>;
  /** The process is gone when this resolves. */
  halt(instanceId: string, signal: AbortSignal): Promise<void>;
  onEvent(listener: (event: GuestEvent) => void): void;
  /** Lets go of every guest without touching it: the agent ends, guests run on. */
  detach(): Promise<void>;
}

/** Where a guest's files are on its host. */
export interface GuestPaths {
  readonly directory: string;
  /** Absent when the image has no disk. */
  readonly disk: string | undefined;
  /**
   * The disk is written past the page cache: what a process had written when it was stopped is on the storage
   * then, and is not written back some time later. Absent: false.
   */
  readonly direct?: boolean;
  /** The image below the disk. Absent: it is in the host's own cache. */
  readonly base?: string | undefined;
  readonly kernel: string | undefined;
  readonly ramdisk: string | undefined;
}
