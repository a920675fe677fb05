/**
 * The small port that every driver shares which keeps something on a host for a guest: a process, a disk, a
 * tap. Audit, doctor and promise I7 look at nothing else, so they cover drivers that nobody knows yet. Types
 * only.
 */

/** One thing that is kept on a host. */
export interface Holding {
  readonly instanceId: string;
  /** The owner epoch that it was made for; 0: it does not tell. */
  readonly ownerEpoch: number;
  /** A word for people, with what tells it from others of the guest: `process 4711`, `tap nv3f2a`. */
  readonly what: string;
  /**
   * Set when it is a process of a guest. `status`: `running`, or `stopped` when the whole process is stopped
   * (SIGSTOP); the guest's own state is not asked for.
   */
  readonly process?: { readonly pid: number; readonly status: string };
  /**
   * True: processes of the guest live in what is kept, as in a cgroup, and the host is not clean. Absent: no
   * process does, or none can.
   */
  readonly populated?: true;
  /** The names of its files, when it is a directory of the guest. */
  readonly files?: readonly string[];
}

export interface Keeper {
  /** `process`, `disk`, `network`, or the driver's own word. */
  readonly kind: string;
  /** Everything that is there, found by looking and not from memory. */
  list(): Promise<readonly Holding[]>;
  /** Removes it. Idempotent: what is gone already is removed. @throws StatusError hypervisorRefused */
  release(holding: Holding, signal: AbortSignal): Promise<void>;
}
