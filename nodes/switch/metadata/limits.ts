/** Limits of the switch's own TCP, with which it answers for metadata. They are never configured. */
export const tcpLimits = {
  /** Bytes on their way to a guest that it has not acknowledged: a fraction of what may wait for it. */
  unacknowledgedBytesMax: 16 * 1024,
  /** Every host must take segments of this size (RFC 9293, 3.7.1), and so gets no smaller ones. */
  segmentBytesMin: 536,
  /** The first pause before it is said again, then twice as long; so many times. */
  resendAfterMs: 300,
  resendsMax: 4,
  /** Period of looking for what has to be said again, or has to end. */
  metadataLookPeriodMs: 100,
} as const;
