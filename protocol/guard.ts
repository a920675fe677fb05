/** The words for what a host's guard does to guests, and why (reportService.guarded). */

/** `gone`: no thread is left of a guest that it killed. */
export const guardDeeds = ["stopped", "continued", "killed", "gone"] as const;

/**
 * `leaseEnded`: the host's lease ended, and another host may start the guest. `leaseRenewed`: it was renewed
 * in time. `diskTaken`: another host has the guest's disk. `notStopped`: the guest could not be stopped,
 * because it waits for a storage that does not answer.
 */
export const guardReasons = ["leaseEnded", "leaseRenewed", "diskTaken", "notStopped"] as const;

export type GuardDeedKind = (typeof guardDeeds)[number];
export type GuardDeedReason = (typeof guardReasons)[number];

/** What a guard did to a guest: told when the kernel has shown it, and SIGKILL when it is sent. */
export interface GuardDeed {
  /** Rises with every deed of the guards of one boot of the computer. */
  readonly number: number;
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly what: GuardDeedKind;
  readonly why: GuardDeedReason;
  /** On the computer's monotonic clock. */
  readonly atMs: number;
}
