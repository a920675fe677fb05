/** Limits of the reconciler: its rounds, and how much is in one. They are never configured. */
export const reconcilerLimits = {
  reconcilePeriodMs: 1_000,
  /** Instances looked at in one round of the reconciler. */
  reconcileBatchMax: 500,
  /** How often old requests, tombstones and events are removed. */
  prunePeriodMs: 60_000,
} as const;
