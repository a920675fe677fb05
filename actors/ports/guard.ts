/**
 * The guard of a host, as its agent sees it: a process of its own that stops guests when the lease ends.
 * Types only.
 */

/**
 * The guard of this host: it stops every guest that another host may take over when the deadline has passed,
 * also when whoever extends it is dead or stuck.
 */
export interface Guard {
  /**
   * Resolves when the guard holds at least this deadline, and whoever it has stopped and may run goes on.
   * Monotonic, as the Clock has it; it never holds one that is further than limits.leaseTtlMs from now.
   * @throws Error when the guard has ended or does not answer: then the lease must not be relied on
   */
  extend(deadlineMs: number): Promise<void>;
  /** False from the moment that it is known to have ended or not to answer; it stays false. */
  readonly alive: boolean;
  /** Called once when it is no longer alive, at once when it is not; not after close or end. */
  onEnd(listener: () => void): void;
  /** Lets go of it: it goes on guarding. */
  close(): Promise<void>;
  /** Ends it. @throws Error, and it goes on, while a guest lives that it has to guard */
  end(): Promise<void>;
}
