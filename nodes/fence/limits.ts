/** Limits of questions to controllers of power, and of what they say. They are never configured. */
export const powerLimits = {
  /** One question to the controller of a host's power: a TLS handshake alone can take 3 s there. */
  powerRequestTimeoutMs: 10_000,
  /** Attempts of one question, with this pause before the second, then twice as long, up to the maximum. */
  powerAttemptsMax: 4,
  powerRetryMsMin: 500,
  powerRetryMsMax: 4_000,
  /** How often it is asked whether the host is off by now; most are within 5 s. */
  powerPollMs: 1_000,
  /** The host must be said to be off for so long: one that is reset is off for a moment, too. */
  powerSettleMs: 3_000,
  /** From the order until the proof; then there is none. */
  powerOffTimeoutMs: 60_000,
  /** Ending the session at a power controller holds up nobody for longer. */
  powerCloseTimeoutMs: 2_000,
  /** One answer of a power controller; a description of a system has some 10 KiB. */
  powerAnswerBytesMax: 1024 * 1024,
  /** What a power controller said, as kept in a proof. */
  powerSaidLengthMax: 200,
  /** A file that holds a password. */
  secretFileBytesMax: 1_024,
} as const;
