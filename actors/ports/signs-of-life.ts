/**
 * What hosts say every few seconds, and what is stored of it beside the commits: neither is an event. Types
 * only.
 */

export interface LeaseKey {
  readonly hostId: string;
  readonly leaseEpoch: number;
}

export interface Renewal extends LeaseKey {
  /** The storage whose storage lease is held, as in HostLease; null: none. */
  readonly storageId: string | null;
}

export interface SignsOfLife {
  /** Stores that hosts were heard from; answers the ids that are registered. Not an event, not a commit. */
  touch(hostIds: readonly string[], atMs: number): Promise<readonly string[]>;
  /**
   * Counts one renewal for each host lease that is held with this lease epoch, durably, once for each host;
   * answers the ids of these hosts. Not an event, not a commit.
   */
  renew(renewals: readonly Renewal[]): Promise<readonly string[]>;
}
