/**
 * Limits of a whole cluster on one machine: how long its processes may take to start and to end, and what
 * they leave behind. They are never configured.
 */
export const upLimits = {
  /** Time for a server of our own (PostgreSQL, NATS) to start, recovery after a crash included. */
  serverStartTimeoutMs: 60_000,
  /** A server that does not end when asked is killed after this time. */
  serverStopTimeoutMs: 10_000,
  /** A server's log file is set aside when it has grown beyond this: at its start, and while it runs. */
  serverLogBytesMax: 4 * 1024 * 1024,
  /** Period of looking how long the log of a running server is. */
  serverLogLookMs: 2_000,
  /**
   * Room kept in the state directory for PostgreSQL on a full disk: thousands of stops and deletes, and a
   * restart.
   */
  reserveBytes: 32 * 1024 * 1024,
  /** The reserve is given up when less than this is free. */
  reserveGivenUpBelowBytes: 16 * 1024 * 1024,
  /**
   * Segments of PostgreSQL's log, of 16 MiB: all but one are written in advance, for renewals to go on in.
   */
  walSegmentsMin: 3,
  /** Time for JetStream to say that it is on. */
  streamAnswerMs: 5_000,
  /** Free space without which a first start is not tried: what PostgreSQL, the reserve and the logs need. */
  firstStartMib: 320,
  /**
   * Pause before a process of the cluster that died is started again; doubles, and falls back once the
   * process has lived for longer.
   */
  keeperBackoffMsMin: 200,
  keeperBackoffMsMax: 10_000,
  /** Time for guests to power down by themselves when `up` ends. The tiny guest needs 2 s. */
  upGuestPatienceMs: 15_000,
  /** The copy of a signal that npm passes on comes within this time, also on a busy computer. */
  upEchoMsMax: 1_000,
  /**
   * After a second Ctrl-C, time for guests to be halted and their agents to say so; then all is killed.
   * Longer than hostLimits.hostHaltMs.
   */
  upHurryMsMax: 12_000,
  /** The same while no agent runs, and so no guest is ours to halt. */
  upHurryWithoutGuestsMsMax: 1_000,
  /** Period at which the screen looks at the nodes: a heartbeat. */
  nodeWatchPeriodMs: 2_000,
  /** Looks without a change after which the instances of a lost node have settled. */
  nodeSettledLooksMin: 5,
  /** Nodes that the screen tells of in a line each; more at once are one line. */
  nodesToldApartMax: 3,
  /**
   * Half of V8's nursery in a controller. Left to itself, it is 64 MiB under a flood of small messages; less
   * than this costs a busy controller time.
   */
  controllerNurseryMib: 16,
  /** The same in a compute node: saves 10 MiB. */
  computeNurseryMib: 2,
  /**
   * The largest buffer that a controller keeps for the next one when it is freed: most messages. Larger ones
   * are given back. Source: 300 bodies of 320 KiB, freed beside others that were kept, left 93 MiB.
   */
  controllerBufferKeptBytesMax: 128 * 1024,
  /** Space that a build of the tiny guest takes while it is under way; an estimate. */
  guestBuildMib: 400,
} as const;
