/**
 * Limits of the command novact: how long a person waits, and how much is shown. They are never configured.
 */
export const commandLimits = {
  /**
   * Period at which a client that shows the steps of an operation asks for them; the end of the operation is
   * answered at once.
   */
  progressPeriodMs: 400,
  /**
   * How long a command tries to connect: after this time it says that the cluster is down; a server that is
   * being restarted is back by then.
   */
  commandConnectTimeoutMs: 3_000,
  /** Events in one page of the CLI: a page stays well below the size of a body. */
  eventPageLength: 200,
  /** Time for completing names in a shell: a person waits for it with a finger on the key. */
  completionTimeoutMs: 1_500,
  /** A controller collects the answers of the others for a second. */
  debugTimeoutMs: 10_000,
  /** The doctor asks every host, reads every instance, and may look twice. */
  doctorTimeoutMs: 60_000,
  /**
   * Width of what is printed where there is no terminal: wide enough for every id, name of ordinary length
   * and state, and no row of prose is longer.
   */
  pipeColumns: 200,
  /** Rows of a list of things that happened, where nobody says how many: what a person reads at once. */
  newestRows: 50,
  /** Names that a list looks up one by one: each is a request. */
  namesLookedUpMax: 100,
  /** Requests of one command that are under way at the same time. */
  requestsAtOnce: 8,
  /** Things that a question or an error names; of more it gives the number. */
  namedMax: 20,
  /** `--watch` reads its list again after this time, when no event has come: not every change has one. */
  watchPeriodMs: 5_000,
  /** Least time between two readings of `--watch`: events come in bursts. */
  watchPauseMsMin: 250,
  /**
   * Pauses of `--watch` take at least so many times what reading took: a long list costs the cluster more.
   */
  watchPausePerReading: 4,
  /** Rows of a list that `--watch` follows: it reads them all each time. */
  watchedRowsMax: 1_000,
  /** Memory that a cloud image is taken to need: what the distribution that is built here needs. */
  cloudImageMemoryMib: 512,
  /** Instances whose names are looked at for a free one. */
  namesLookedAtMax: 1_000,
  /** The first port of a host that `launch` publishes ssh at, and how many more it tries. */
  sshHostPortMin: 2_222,
  sshHostPortsTriedMax: 50,
  /** How long a command waits for ssh: an emulated distribution on a busy computer boots for five minutes. */
  sshAnswerTimeoutMs: 1_200_000,
  /** How often it looks, and how long a server has for its first line, and how long that is. */
  sshLookPeriodMs: 1_000,
  sshBannerTimeoutMs: 5_000,
  sshBannerLengthMax: 4_096,
  /** Deadline of a command that fences by power: powerOffTimeoutMs, and the steps around it. */
  fenceTimeoutMs: 75_000,
} as const;
