/** Limits of the event stream and of who fills it. They are never configured. */
export const eventLimits = {
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
} as const;
