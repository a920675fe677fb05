/**
 * What the guard of a node hears, and what it does about it. When the host lease has passed, the guard stops
 * the guests that another host may take over, whatever has become of the agent.
 */

import type { GuardDeedReason } from "../../../protocol/guard.ts";

/** A cgroup that holds all processes of one guest and no other process. `id`: unique within one boot. */
export interface GuestGroup {
  readonly path: string;
  readonly id: string;
}

/** A process of the present boot, and its guest. */
export interface FencedGuest {
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly pid: number;
  /** With the pid it names exactly this process: the kernel reuses pids. */
  readonly startTicks: number;
  /** Present: the guest is stopped, continued and killed as a whole, and only this names it. */
  readonly group?: GuestGroup | undefined;
}

export interface SeenGuest extends FencedGuest {
  /** Every thread of the process, or of the group, is seen stopped at this moment, by whomever. */
  readonly stopped: boolean;
  /**
   * False: its directory is gone from the shared storage, which still answers, so its disk was taken over.
   * Undefined: nobody can tell (yet).
   */
  readonly diskPresent: boolean | undefined;
}

export type GuardEvent =
  /** The host lease ends at the deadline, on the computer's monotonic clock. Numbers rise with time. */
  | { readonly kind: "extend"; readonly number: number; readonly deadlineMs: number }
  /** `guests`: every fenced guest of whose process a thread is left. */
  | {
      readonly kind: "tick";
      readonly guests: readonly SeenGuest[];
      /** When the look at the disks began; undefined: they were not looked at. */
      readonly lookedAtMs: number | undefined;
    };

/** `diskTaken`: another host has the guest's disk. `notStopped`: SIGSTOP did not stop it in time. */
export type KillReason = "diskTaken" | "notStopped";

export type GuardAction =
  /** SIGSTOP, SIGCONT; a group is frozen, thawed. */
  | { readonly kind: "stop" | "continue"; readonly guest: FencedGuest }
  /** The same again to a group that is not empty, or not seen thawed, yet: no news, and no deed. */
  | { readonly kind: "killAgain" | "continueAgain"; readonly guest: FencedGuest }
  /** SIGKILL. */
  | { readonly kind: "kill"; readonly guest: FencedGuest; readonly why: KillReason }
  /** What the guard has seen proved: nothing is said of a guest before. */
  | {
      readonly kind: "tell";
      readonly guest: FencedGuest;
      readonly what: "stopped" | "gone";
      readonly why: GuardDeedReason;
    }
  /** Confirms that the guard holds the deadline of this message. */
  | { readonly kind: "acknowledge"; readonly number: number }
  /** Asks for a tick with a look at the disks, at once. */
  | { readonly kind: "look" };
