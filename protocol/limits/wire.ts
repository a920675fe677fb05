/**
 * Limits of the wire: bodies and headers, attempts and deadlines, pages, and requests in work. Both ends keep
 * to them, so they are never configured.
 */
export const wireLimits = {
  /** The body of a client's request. Larger ones are refused before they are decoded. */
  bodyBytesMax: 256 * 1024,
  /**
   * An answer, and what hosts and controllers tell each other: a full page of a list, or everything on one
   * host.
   */
  answerBytesMax: 8 * 1024 * 1024 - 64 * 1024,
  /** All headers of one message; the parser's cost grows with the square of their number. */
  headerBytesMax: 8 * 1024,
  /** Nesting of maps and arrays in a body. The deepest schema needs 6. */
  bodyDepthMax: 16,
  /** Elements of one array in a body: the largest legal one is everything on one host. */
  arrayLengthMax: 20_000,
  /**
   * Keys of one map in a body. Metadata is the largest legal map of a request, a count per thing of an
   * answer.
   */
  mapLengthMax: 256,
  /** One string in a body: a console page is the largest legal one; each byte of it may need three. */
  stringBytesMax: 400 * 1024,
  requestIdLengthMax: 128,
  pageLengthMax: 1_000,
  pageLengthDefault: 100,
  /** How long a caller waits when it does not say. */
  timeoutMsDefault: 10_000,
  /** The longest deadline a caller may ask for. */
  timeoutMsMax: 3_600_000,
  /**
   * How long a caller waits for the end of an operation (`wait`) when it does not say: a build, and its
   * grace.
   */
  waitTimeoutMsDefault: 150_000,
  /** Long polls (events, console follow) are answered after this time at the latest. */
  waitMsMax: 30_000,
  /** Who waits for a caller gives up so long before the caller's deadline: the answer has to travel. */
  waitMarginMs: 100,
  /**
   * One attempt of a request that nobody expects to wait: after this it is repeated with the same request id.
   */
  attemptTimeoutMs: 4_000,
  /**
   * A client listens for so long after its deadline: the server's own answer to a passed deadline says more.
   */
  answerGraceMs: 250,
  /** What a server that ends gives the requests it has taken: a commit and some, but not a long poll. */
  drainGraceMs: 1_000,
  /** Between attempts of one request; doubles, with jitter. */
  retryBackoffMsMin: 20,
  retryBackoffMsMax: 1_000,
  /**
   * Repetitions of what a server is too old for: some tenths of a second, after which most of a few
   * controllers were asked.
   */
  olderServerRetriesMax: 5,
  /**
   * Requests that one server works on, long polls included; each may hold a body. Beyond that:
   * RESOURCE_EXHAUSTED.
   */
  requestsInWorkMax: 8_000,
  /** The same for one project, so that one tenant's long polls cannot shut out the others. */
  requestsInWorkPerProjectMax: 4_000,
  /** When a caller that was refused for that should come again. */
  retryAfterMs: 100,
  /** How long one question to a host may take; it only queues work there. */
  hostRequestTimeoutMs: 3_000,
} as const;
