/**
 * Limits of NATS: its payload, its connections, and what our own server may keep. They are never configured.
 */
export const busLimits = {
  /** What controllers and hosts may send: the largest answer, with its headers. */
  busPayloadBytesMax: 8 * 1024 * 1024,
  /**
   * What a client may send: the largest body, its headers, and somewhat more, so that the sender of a body
   * that is somewhat too large is told why it is refused. A connection that sends more is closed.
   */
  clientPayloadBytesMax: 320 * 1024,
  /** Connections of one project, and of all operators together: each may be a page that somebody looks at. */
  clientConnectionsMax: 64,
  /**
   * Subscriptions of each connection of a project: the server copies an event for each subscription that
   * hears it.
   */
  clientSubscriptionsMax: 100,
  /** Connections that the server keeps free for all controllers, with what measures and breaks them. */
  controllerConnectionsMax: 128,
  /** And for each host: its own, and the one that a lost connection has not given back yet. */
  hostConnectionsMax: 4,
  /** Connections that have not said who they are; the server closes each after 2 s. */
  strangerConnectionsMax: 4_096,
  /**
   * What the server keeps for a connection that does not read, which it then closes; from half of it on it
   * holds back who sends there. For all connections alike: nats-server has no such limit of an account.
   */
  natsPendingBytesMax: 64 * 1024 * 1024,
  /**
   * Period in which the server asks a silent connection whether it is there; after two unanswered ones it is
   * closed, and counts no more.
   */
  natsPingMs: 10_000,
  /** How long the server tries to write to a connection that does not read, before it closes it. */
  natsWriteDeadlineMs: 5_000,
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
