/**
 * How long is remembered what is over: requests, tombstones, events, operations. Promises I5 and I10 rest on
 * them, so they are never configured.
 */
export const retentionLimits = {
  /** How long request ids are remembered, and repeated requests are answered alike. */
  requestKeptMs: 26 * 3_600_000,
  /** How long tombstones of deleted instances are kept, with their operations. */
  tombstoneKeptMs: 24 * 3_600_000,
  /** How long events are kept for replay. */
  eventKeptMs: 30 * 24 * 3_600_000,
  /** How long ended operations of existing instances are kept. */
  operationKeptMs: 30 * 24 * 3_600_000,
} as const;
