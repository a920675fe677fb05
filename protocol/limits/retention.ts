/**
 * How long is remembered what is over: requests, tombstones, events, operations. Promises I5 and I10 rest on
 * them, so they are never configured.
 */
export const retentionLimits = {
  /** Request ids are remembered (and answered alike) for so long. */
  requestKeptMs: 26 * 3_600_000,
  /** Tombstones of deleted instances and their operations. */
  tombstoneKeptMs: 24 * 3_600_000,
  /** Events that can be replayed. */
  eventKeptMs: 30 * 24 * 3_600_000,
  /** Operations that have ended, of instances that live on. */
  operationKeptMs: 30 * 24 * 3_600_000,
} as const;
