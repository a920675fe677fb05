/**
 * The guard of a host, as its agent sees it: a process of its own that stops guests when the host lease ends.
 * Types only.
 */
import type { GuardDeed } from "../../protocol/guard.ts";

/**
 * The guard of this host. When the deadline has passed, it stops every guest that another host may take over,
 * even if the agent that extends the deadline is dead or stuck.
 */
export interface Guard {
  /**
   * Resolves when the guard holds at least this deadline, and the guests that it had stopped, and that may
   * run, go on. The deadline is monotonic, as in Clock; the guard never holds one more than
   * leaseLimits.leaseTtlMs ahead. @throws Error when the guard has ended or does not answer: then do not rely
   * on the host lease
   */
  extend(deadlineMs: number): Promise<void>;
  /**
   * What the guard did to guests after this number of its deeds, oldest first; the first of them, when they
   * are many. Their `atMs` is on the clock of `extend`. Empty: nothing, or a guard of before, which does not
   * tell. @throws Error as `extend`
   */
  deeds(after: number): Promise<readonly GuardDeed[]>;
  /** False once the guard is known to have ended or not to answer; then it stays false. */
  readonly alive: boolean;
  /**
   * Calls the listener once when the guard is no longer alive, at once if it is not alive now; never after
   * `close` or `end`.
   */
  onEnd(listener: () => void): void;
  /** Disconnects; the guard goes on guarding. */
  close(): Promise<void>;
  /** Ends the guard. @throws Error, and the guard goes on, while a guest lives that it has to guard */
  end(): Promise<void>;
}
