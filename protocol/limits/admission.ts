/**
 * Limits of what comes in at a server before it is read: budgets of projects and hosts, shares of the work
 * under way, waits, and answers to discovery. They are for each server process, and never configured.
 *
 * Source of the measured numbers: one controller on a busy computer of two CPUs accepts some 600 to 1,300
 * creates a second of 64 clients, and answers some 3,700 reads of one instance.
 */
export const admissionLimits = {
  /**
   * Messages of one project a second: more than the creates that a controller can make, and about half of the
   * reads that it can answer, so that the other half is left whatever one project sends.
   */
  projectMessagesPerSecondMax: 2_000,
  /** Messages of one project at once: four bulk actions of a thousand instances each. */
  projectMessagesBurstMax: 4_000,
  /** Bodies and headers of one project a second: 32 of the largest requests, some 4 KiB for each message. */
  projectBytesPerSecondMax: 8 * 1024 * 1024,
  /**
   * The same at once: two of the largest messages that the bus carries, so that the first is told why not.
   */
  projectBytesBurstMax: 16 * 1024 * 1024,
  /**
   * Commands of one project a day that are executed, an instance of a create of many each one, and as many at
   * once: six a second, all day. Each leaves eight rows behind at most, most of them for 30 days.
   */
  projectCommandsPerDayMax: 500_000,
  /** Bytes of their bodies, some of which are kept twice or three times: 2 KiB for each. */
  projectCommandBytesPerDayMax: 1024 * 1024 * 1024,
  /** Commands whose repetitions are known for such: all that can wait at a server, and some. */
  commandsRememberedMax: 16_384,
  /**
   * Messages of one host a second, and of the renewals of its lease apart. An honest host has two reports
   * under way at once, each of which waits for a commit of a millisecond or more.
   */
  hostMessagesPerSecondMax: 1_000,
  hostMessagesBurstMax: 2_000,
  /** Reports of a host a second: all of 12,000 machines. A host lists them all every 30 s. */
  hostBytesPerSecondMax: 4 * 1024 * 1024,
  /** The largest message that the bus carries. */
  hostBytesBurstMax: 8 * 1024 * 1024,
  /** Messages a second with subjects that name no project or host; nobody's work depends on them. */
  strayMessagesPerSecondMax: 100,
  strayMessagesBurstMax: 200,
  strayBytesPerSecondMax: 1024 * 1024,
  strayBytesBurstMax: 8 * 1024 * 1024,
  /** Projects, or hosts, whose budgets are remembered; further ones share one budget. */
  budgetsRememberedMax: 4_096,
  /**
   * Refusals of one project or host a second that are sent; further messages are dropped. An honest client
   * that is somewhat too fast is refused some dozens of times before it slows down.
   */
  refusalsPerSecondMax: 50,
  /** Refusals a second to all together: a megabyte of answers. */
  refusalsOfAllPerSecondMax: 1_000,
  /** When who was refused shall ask again: by then a project's budget has grown by 500 messages. */
  refusedRetryAfterMs: 250,
  /**
   * What ten thousand messages cost the event loop of a server that keeps them out, each taken off the
   * connection, looked at and counted; and what each MiB of them costs.
   * Source: 112,828 messages of 200 bytes a second, and 477 of 320 KiB, each kept one controller busy.
   */
  keptOutTenThousandMs: 75,
  keptOutMibMs: 2,
  /**
   * A project that costs more than this so is not heard for a while: at once, and for ever after in each
   * second. It takes some 6,700 messages, or 25 MiB, a second beyond its share.
   */
  muteAfterMs: 30,
  mutePeriodicMs: 50,
  /** The same for all projects together; then whoever has a part in it is not heard. */
  muteAllAfterMs: 60,
  muteAllPeriodicMs: 100,
  /** Who costs less than this has no part in it: some 500 messages. A flood that goes on gets no more. */
  muteSoonerMs: 4,
  /** How long a project is not heard; twice as long each time while it goes on. */
  muteMsMin: 250,
  muteMsMax: 2_000,
  /** Heard for so long without a flood, a project begins with the shortest time again. */
  muteForgottenMs: 5_000,
  /** Period of the one line of the log that says how many messages were refused and dropped. */
  excessLogPeriodMs: 10_000,
  /** Lines of one kind that senders can cause in such a period; the others are counted. */
  linesOfOneKindMax: 20,
  /**
   * Requests of projects that a server works on at once. All of them wait for the same few connections to the
   * store, so that more would only wait there.
   */
  requestsAtWorkMax: 256,
  /** Requests that are worked on beside these when they are the operators' (project `admin`). */
  requestsAtWorkReserveMax: 32,
  /** Those of one project: a quarter. More than 64 clients at once make nothing faster. */
  requestsAtWorkPerProjectMax: 64,
  /**
   * Those of one project while others ask as well: the others' requests meet at most so many of its requests
   * before them, some 20 ms of work. With 16 at once a project still gets most of what it gets with 64.
   */
  requestsAtWorkBesideOthersMax: 16,
  /** How long after its last request a project counts as one that asks. */
  asksForMs: 1_000,
  /** Requests of a project that wait for their turn: a bulk action of a thousand instances. */
  requestsQueuedPerProjectMax: 1_000,
  /** Requests that wait for their turn in all, and their bytes. */
  requestsQueuedMax: 8_000,
  bytesQueuedPerProjectMax: 4 * 1024 * 1024,
  bytesQueuedMax: 32 * 1024 * 1024,
  /**
   * Requests that a host works on at once, all of controllers, and as many for consoles; and a controller's
   * of all hosts.
   */
  peerRequestsAtWorkMax: 4_000,
  /** Requests of one host under way at a controller: two, and those that it gave up. */
  hostRequestsAtWorkMax: 16,
  /** Requests that only wait (`wait`, `waitMs`) at one server: each costs some kilobytes of memory. */
  waitsMax: 8_000,
  /** Waits that are kept for the operators. */
  waitsReserveMax: 500,
  /** Waits of one project: an eighth. A bulk action that waits for a thousand instances. */
  waitsPerProjectMax: 1_000,
  /** When who was refused for too many waits shall ask again. */
  waitRetryAfterMs: 1_000,
  /** Answers to discovery a second for each of its verbs: all of a controller's services twice. */
  discoveryAnswersPerSecondMax: 22,
  /** The same at once: `nats micro ls`, `info` and `stats` of all services, some times over. */
  discoveryAnswersBurstMax: 66,
  /** How old the numbers in an answer to `$SRV.STATS` may be. */
  discoveryStatsKeptMs: 1_000,
} as const;
