/**
 * What the guard of a node hears, and what it does about it. The guard stops the guests that another host may
 * take over when the host's lease has passed, whatever has become of the agent.
 */

/** One process of this boot, and the guest that it runs. */
export interface FencedGuest {
  readonly instanceId: string;
  readonly epoch: number;
  readonly pid: number;
  /** With the pid, the name of exactly this process: a pid alone is given again. */
  readonly startTicks: number;
}

export interface SeenGuest extends FencedGuest {
  /** The whole process is stopped at this moment, by whomever. */
  readonly stopped: boolean;
  /**
   * False: its directory is gone from the shared storage, which still answers: it was taken over. Undefined:
   * nobody can tell (yet).
   */
  readonly diskPresent: boolean | undefined;
}

export type GuardEvent =
  /** The host's lease ends then, on the machine's monotonic clock. Numbers rise with time. */
  | { readonly kind: "extend"; readonly number: number; readonly deadlineMs: number }
  /** Every fenced guest whose process lives. */
  | {
      readonly kind: "tick";
      readonly guests: readonly SeenGuest[];
      /** When the disks were begun to be looked at; undefined: they were not. */
      readonly lookedAtMs: number | undefined;
    };

export type GuardAction =
  /** SIGSTOP, SIGCONT, SIGKILL. */
  | { readonly kind: "stop" | "continue" | "kill"; readonly guest: FencedGuest }
  /** The deadline of this message is held. */
  | { readonly kind: "acknowledge"; readonly number: number }
  /** A tick with a look at the disks, at once. */
  | { readonly kind: "look" };
