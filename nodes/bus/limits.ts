/**
 * Limits of NATS: its payload, its connections, and what our own server may keep. They are never configured.
 */
export const busLimits = {
  /** The bus lets a body through that is somewhat too large, so that its sender is told why it is refused. */
  busPayloadBytesMax: 8 * 1024 * 1024,
  /** Pause before a lost bus is connected to again, for ever. */
  busReconnectMs: 250,
  /**
   * Period of pings on a silent bus; after two unanswered pings the connection is given up and opened again.
   */
  busPingMs: 2_000,
  /** How long the NATS server lets a host answer one request: longer than a long poll. */
  natsResponseExpiresMs: 120_000,
  /**
   * Memory and disk of JetStream in our own NATS server: events are small, and PostgreSQL has all of them.
   */
  jetStreamMemoryBytesMax: 64 * 1024 * 1024,
  jetStreamFileBytesMax: 4 * 1024 * 1024 * 1024,
} as const;
