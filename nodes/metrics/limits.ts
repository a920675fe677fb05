/** Limits of the page for Prometheus, and of what it costs to make it. They are never configured. */
export const metricsLimits = {
  /** Time for a thread to say what it has counted; the page is made without the ones that are slower. */
  threadAnswerMs: 1_000,
  /** The same for a whole process, its threads included. */
  processAnswerMs: 2_000,
  /** Connections that the page takes at once: a few Prometheus servers, and a person. */
  pageConnectionsMax: 16,
  /** Time for a reader to send the whole request. */
  pageRequestMsMax: 5_000,
  /** Bytes of a request's headers. */
  pageHeaderBytesMax: 8 * 1024,
  /** Period of the looks at an event loop: one that is blocked for less is not always seen. */
  loopLookMs: 20,
} as const;
