/**
 * Leases on the storage that hosts share: the storage's own word that nothing of a host has anything open
 * there any more (fence proof C). A lease is a lock that the agent and every process of a guest that another
 * host may take over hold until they end, whoever ends them. Interfaces only.
 */
import type { LeaseKey } from "./store.ts";

/**
 * `held`: by a process of that host. `free`: by nobody, and not taken. `taken`: nothing starts under it ever
 * again. `absent`: there is none.
 */
export type StorageLeaseState = "held" | "free" | "taken" | "absent";

export interface StorageLeases {
  /**
   * Holds the lease of this host for this life of the agent, and for every such guest that is started from
   * now on. Idempotent; a lease of an earlier epoch is given up. `uncovered`: as `held`, but a guest lives
   * that does not hold it. `taken`: another host has it, and no guest may be started under it.
   * @throws Error when the storage does not answer as it should: then nothing is known
   */
  hold(lease: LeaseKey): Promise<"held" | "uncovered" | "taken">;
  /**
   * Looks at the lease of another host, and takes it for good when `take` says so and nobody holds it: it is
   * taken durably before this resolves. Idempotent. @throws Error as above
   */
  examine(lease: LeaseKey, take: boolean): Promise<StorageLeaseState>;
  /** The agent lets go of its own hold; guests hold on to theirs. */
  close(): Promise<void>;
}
