/**
 * Storage leases, on the storage that hosts share: a free one is the storage's own proof that no process of a
 * host has a disk open there any more (fence proof C). A storage lease is a lock. The agent, and every
 * process of a guest that another host may take over, hold it until they end, whatever ends them. Interfaces
 * only.
 */
import type { LeaseKey } from "./signs-of-life.ts";

/**
 * `held`: by a process of that host. `free`: by no process, and not taken by another host. `taken`: by
 * another host, and no guest starts under the storage lease ever again. `absent`: no such storage lease
 * exists.
 */
export type StorageLeaseState = "held" | "free" | "taken" | "absent";

export interface StorageLeases {
  /**
   * Holds the storage lease of this host until the agent ends, and for every guest started from now on that
   * another host may take over. Idempotent; gives up the storage lease of an earlier lease epoch.
   * `uncovered`: as `held`, but a living guest does not hold it. `taken`: another host has it, and no guest
   * may be started under it. @throws Error when the storage does not answer as it should: then nothing is
   * known
   */
  hold(lease: LeaseKey): Promise<"held" | "uncovered" | "taken">;
  /**
   * Looks at the storage lease of another host. With `take`, takes it for good if nobody holds it: the take
   * is durable before this resolves. Idempotent. @throws Error as above
   */
  examine(lease: LeaseKey, take: boolean): Promise<StorageLeaseState>;
  /** The agent gives up its own hold; guests keep theirs. */
  close(): Promise<void>;
}
