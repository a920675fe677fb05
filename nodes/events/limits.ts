/** Limits of the event stream and of who fills it. They are never configured. */
export const eventLimits = {
  /**
   * Size of the event stream on the bus, which holds the newest events only; older events are replayed from
   * PostgreSQL.
   */
  eventStreamBytesMax: 256 * 1024 * 1024,
  eventStreamMessagesMax: 1_000_000,
  /** Longer than eventKeptMs: the stream must not lose its position while PostgreSQL still has the events. */
  eventStreamKeptMs: 60 * 24 * 3_600_000,
  /**
   * JetStream's window for detecting duplicates. The order of events does not rest on it, but on comparing
   * with the last number; after a purge, the stream can be filled again only when this window has passed.
   */
  eventDuplicateWindowMs: 2_000,
  /** Events being published to the stream at the same time. */
  eventPublishWindow: 64,
  /** Events read from the store at a time. */
  eventPublishPage: 500,
  /** Period at which the publisher looks for new events, whether it was woken or not. */
  eventPublishPeriodMs: 1_000,
  /** Pause between two rounds of the publisher: events committed in between are published together. */
  eventPublishSpacingMs: 10,
  /** A round ends here, and the next one goes on: a lost stream takes minutes to be filled again. */
  eventPublishRoundMs: 10_000,
  eventPublishBackoffMsMin: 100,
  eventPublishBackoffMsMax: 5_000,
} as const;
