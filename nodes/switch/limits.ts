/** Limits of a switch, each for what guests could else make without an end. They are never configured. */
export const switchLimits = {
  /**
   * Frames of one port that are dealt with before those of others: some 2 ms of work. The rest waits, and the
   * guest with it.
   */
  framesPerTurnMax: 128,
  /** Bytes of one read from a port. */
  readBytes: 64 * 1024,
  /** Bytes that wait for one guest to read them; what is more is dropped. */
  queueBytesMax: 256 * 1024,
  /** A plug that was refused or is not there is tried again after this time. */
  connectPauseMs: 150,
  /** A guest whose stream was damaged is connected again after this time. */
  damagePauseMs: 1_000,
  /** Connections that one port may have opened, and all of them: the port with most loses its oldest. */
  connectionsPerPortMax: 8_192,
  connectionsMax: 65_536,
  /** Revoked connections of all ports: the port that was called by most of them loses its oldest. */
  revokedMax: 32_768,
  /** Connections that outlive the switch: some 4 ms to write. */
  connectionsKeptMax: 8_192,
  /** Period of writing connections down, when they have changed. */
  connectionsKeepPeriodMs: 1_000,
  /** A switch that was away for longer begins anew. */
  connectionsKeptMs: 600_000,
  /** Packets in fragments that one port may have on their way. */
  fragmentsPerPortMax: 256,
  /** Linux's ipfrag_time. */
  fragmentIdleMs: 30_000,
  /** Routers that one packet passes; longer ways are rings of routers. */
  routersOfWayMax: 16,
  /** Errors that routers tell one guest at once, and the time after which there may be one more. */
  icmpErrorsBurstMax: 20,
  icmpErrorEveryMs: 50,
  /**
   * How old the computer's own addresses may be, as they were last seen, when a packet goes outside; more
   * where the kernel has so many routes that reading them takes more than a twentieth of that time.
   */
  ownAddressesAgeMsMax: 20,
  ownAddressesRestMax: 20,
  /** Period of looking for connections that have ended by their time. */
  connectionSweepPeriodMs: 10_000,
  /** Period of looking whether the state has changed, beside what the kernel and the driver tell. */
  statePeriodMs: 500,
  /** After applying a state there is a pause of so many times as long as it took, and of so long at most. */
  applyPausesPerApply: 10,
  applyPauseMsMax: 5_000,
  /** Bytes that wait to be sent to other hosts, or to be taken from them; what is more is dropped. */
  underlayQueueBytesMax: 4 * 1024 * 1024,
  /** An address of the underlay that could not be had is tried again after this time. */
  underlayRetryMs: 2_000,
  countersPeriodMs: 5_000,
  /** Period of looking whether the directory is still there. */
  homeLookPeriodMs: 1_000,
  /** Bytes of the log, which then starts again. */
  switchLogBytesMax: 256 * 1024,
} as const;
