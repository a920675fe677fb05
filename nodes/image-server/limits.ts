/** Limits of the HTTP server for the bytes of images. They are never configured. */
export const imageServerLimits = {
  /** Bytes of a request's headers; a ticket is a few hundred. */
  requestHeaderBytesMax: 8 * 1024,
  ticketBytesMax: 2 * 1024,
  /** Time for a client to send all headers. */
  requestHeadersMsMax: 10_000,
  /** How long a connection without a request stays open. */
  connectionIdleMs: 5_000,
  /** Connections in all, each with at most two pieces in memory, and transfers by one ticket. */
  imageConnectionsMax: 128,
  transfersPerTicketMax: 8,
  /** Bytes that are read or written at once. */
  pieceBytes: 512 * 1024,
  /** How long a client may be silent, or read nothing, and how fast it has to be in the long run. */
  quietMsMax: 30_000,
  bytesPerMsMin: 4,
  /** How fast a client has to be while other clients wait for a turn. */
  turnBytesPerMsMin: 1024,
  /** Bytes and time in which a refused client may still send, and so reads the answer. */
  drainBytesMax: 1024 * 1024,
  drainMsMax: 2_000,
  /** When whoever has to wait for its turn may ask again. */
  turnRetryAfterMs: 1_000,
} as const;
