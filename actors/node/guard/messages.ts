/**
 * What the guard of a node hears, and what it does about it. When the host lease has passed, the guard stops
 * the guests that another host may take over, whatever has become of the agent.
 */

/** A process of the present boot, and its guest. */
export interface FencedGuest {
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly pid: number;
  /** With the pid it names exactly this process: the kernel reuses pids. */
  readonly startTicks: number;
}

export interface SeenGuest extends FencedGuest {
  /** All threads of the process are stopped at this moment, by whomever. */
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
  /** `guests`: every fenced guest whose process lives. */
  | {
      readonly kind: "tick";
      readonly guests: readonly SeenGuest[];
      /** When the look at the disks began; undefined: they were not looked at. */
      readonly lookedAtMs: number | undefined;
    };

export type GuardAction =
  /** SIGSTOP, SIGCONT, SIGKILL. */
  | { readonly kind: "stop" | "continue" | "kill"; readonly guest: FencedGuest }
  /** Confirms that the guard holds the deadline of this message. */
  | { readonly kind: "acknowledge"; readonly number: number }
  /** Asks for a tick with a look at the disks, at once. */
  | { readonly kind: "look" };
