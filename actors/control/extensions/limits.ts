/** Limits of what plug-ins keep and say through the API; their requests have the limits of all requests. */
export const extensionLimits = {
  /** Nouns of one plug-in, and characters of one. */
  nounsMax: 100,
  nounLengthMax: 40,
  /** Bytes of the body of a plug-in's event, as JSON: an event goes into the stream in one message. */
  eventBytesMax: 16_384,
  /** Bytes of a row of a plug-in, as JSON: a page of a list must hold a few. */
  rowBytesMax: 262_144,
  /** Rows, and events, of one commit. */
  changesMax: 100,
  /** Commands that one action gives to an instance or host. */
  commandsMax: 16,
  /** How often facts for the scheduler are made anew. */
  factsPeriodMs: 1_000,
  /** A round of facts that takes longer is given up, and the last facts stand. */
  factsRoundMsMax: 2_000,
  /** Reads of their rows that fail in a row until somebody hears of it. */
  factsReadsFailedMax: 3,
  /** Rows of one resource that facts are made of; where there are more, none are made. */
  factsRowsMax: 1_000,
  /** Bytes of the facts of one plug-in about one host, as JSON. */
  factsBytesMax: 4_096,
} as const;
