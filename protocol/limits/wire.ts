/**
 * Limits of the wire: bodies and headers, attempts and deadlines, and pages. Both ends keep
 * to them, so they are never configured.
 */
export const wireLimits = {
  /** The body of a client's request. A larger body is refused before it is decoded. */
  bodyBytesMax: 256 * 1024,
  /**
   * An answer, and any message between hosts and controllers: a full page of a list, or everything on one
   * host.
   */
  answerBytesMax: 8 * 1024 * 1024 - 64 * 1024,
  /** All headers of one message; the parser's cost grows with the square of their number. */
  headerBytesMax: 8 * 1024,
  /**
   * Keys and values in the body of a client's request, all levels together. A body of 256 KiB with as many as
   * fit took 60 to 110 ms to decode and to refuse; of this many, one millisecond.
   */
  bodyValuesMax: 2_048,
  /** The same of an answer, and of what hosts say: a page of instances with all metadata. */
  answerValuesMax: 1_000_000,
  /** Nesting of maps and arrays in a body. The deepest schema needs 6. */
  bodyDepthMax: 16,
  /** Elements of one array in a body: the largest legal one is everything on one host. */
  arrayLengthMax: 20_000,
  /**
   * Keys of one map in a body. Metadata is the largest legal map of a request, a count per thing of an
   * answer.
   */
  mapLengthMax: 256,
  /** One string in a body. The largest legal string is a console page, each byte of which may need three. */
  stringBytesMax: 400 * 1024,
  requestIdLengthMax: 128,
  pageLengthMax: 1_000,
  pageLengthDefault: 100,
  /** Values of one filter of a list. Each may be a walk through an index of its own. */
  filterValuesMax: 100,
  /** Deadline of a request whose caller names none. */
  timeoutMsDefault: 10_000,
  /** The longest deadline a caller may ask for. */
  timeoutMsMax: 3_600_000,
  /**
   * How long a caller waits for the end of an operation (`wait`) when it names no time: a build, and its
   * grace.
   */
  waitTimeoutMsDefault: 150_000,
  /** Long polls (events, console follow) are answered after this time at the latest. */
  waitMsMax: 30_000,
  /** How long before a caller's deadline a server stops waiting on its behalf: the answer has to travel. */
  waitMarginMs: 100,
  /**
   * One attempt of a request that does not ask to be kept waiting; after it the request is repeated with the
   * same request id.
   */
  attemptTimeoutMs: 4_000,
  /** How long a client listens after its deadline: the server's own answer to a passed deadline says more. */
  answerGraceMs: 250,
  /**
   * How long a server that is ending works on the requests it has taken: enough for a commit, not for a long
   * poll.
   */
  drainGraceMs: 1_000,
  /** Pause between attempts of one request; doubles, with jitter. */
  retryBackoffMsMin: 20,
  retryBackoffMsMax: 1_000,
  /**
   * Repetitions of a request that a server was too old for: some tenths of a second, after which most of a
   * few controllers have been asked.
   */
  olderServerRetriesMax: 5,
  /** Of lines of the log that a peer can cause with every message, one of each kind in this period. */
  sameLinePeriodMs: 10_000,
  /** Kinds of such lines that a server tells apart: one for each host and reason. */
  sameLinesMax: 4_096,
  /** Deadline of one request to a host: the host only queues the work. */
  hostRequestTimeoutMs: 3_000,
} as const;
