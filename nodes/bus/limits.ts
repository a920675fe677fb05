/**
 * Limits of NATS: its payload, its connections, and what our own server may keep. They are never configured.
 */
export const busLimits = {
  /** The bus must let a somewhat too large body through, so that its sender hears why it is refused. */
  busPayloadBytesMax: 8 * 1024 * 1024,
  /** The bus is tried again after this time, for ever. */
  busReconnectMs: 250,
  /**
   * A bus that is silent is asked so often; after two unanswered questions it is given up and dialled again.
   */
  busPingMs: 2_000,
  /** A host may answer one request within this time: a long poll and some. */
  natsResponseExpiresMs: 120_000,
  /** What JetStream of our own NATS server may keep: events are small, and PostgreSQL has them all. */
  jetStreamMemoryBytesMax: 64 * 1024 * 1024,
  jetStreamFileBytesMax: 4 * 1024 * 1024 * 1024,
} as const;
