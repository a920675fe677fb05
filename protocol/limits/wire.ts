/**
 * The limits of the wire: bodies and headers, attempts and requests in work, the event stream, the bus. They
 * are a part of `limits` in limits.ts; everybody reads them there.
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
  /** The bus must let a somewhat too large body through, so that its sender hears why it is refused. */
  busPayloadBytesMax: 8 * 1024 * 1024,
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

  /**
   * How long a caller waits for the end of an operation (`wait`) when it does not say: a build, and its
   * grace.
   */
  waitTimeoutMsDefault: 150_000,
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

  /** The event stream on the bus holds the newest of these; everything else is replayed from PostgreSQL. */
  eventStreamBytesMax: 256 * 1024 * 1024,
  eventStreamMessagesMax: 1_000_000,
  /** Longer than eventKeptMs: the stream must not forget where it is while PostgreSQL still knows. */
  eventStreamKeptMs: 60 * 24 * 3_600_000,
  /**
   * JetStream forgets the numbers of events it has seen after this time. Order rests on comparing with the
   * last number, not on this; and after a purge it stands in the way of the refill for so long.
   */
  eventDuplicateWindowMs: 2_000,
  /** Events on their way to the stream at the same time. */
  eventPublishWindow: 64,
  /** Events read from the store at a time. */
  eventPublishPage: 500,
  /** The publisher looks by itself so often, whether it was woken or not. */
  eventPublishPeriodMs: 1_000,
  /** Between two rounds: what is committed in between goes out together. */
  eventPublishSpacingMs: 10,
  eventPublishBackoffMsMin: 100,
  eventPublishBackoffMsMax: 5_000,

  /** The bus is tried again after this time, for ever. */
  busReconnectMs: 250,
  /**
   * A bus that is silent is asked so often; after two unanswered questions it is given up and dialled again.
   */
  busPingMs: 2_000,
} as const;
