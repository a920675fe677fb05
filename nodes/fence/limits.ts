/** Limits of questions to controllers of power, and of what they say. They are never configured. */
export const powerLimits = {
  /** One request to a power controller (BMC): a TLS handshake alone can take 3 s there. */
  powerRequestTimeoutMs: 10_000,
  /** Attempts of one request to a power controller; the pause before the second doubles up to the maximum. */
  powerAttemptsMax: 4,
  powerRetryMsMin: 500,
  powerRetryMsMax: 4_000,
  /** Period of asking the power controller whether the host is off; most hosts are off within 5 s. */
  powerPollMs: 1_000,
  /**
   * How long the power controller must report the host as off: a host that is reset is off for a moment, too.
   */
  powerSettleMs: 3_000,
  /** From the order to switch off until the proof; after this time the fence fails. */
  powerOffTimeoutMs: 60_000,
  /** How long ending a session at a power controller is waited for. */
  powerCloseTimeoutMs: 2_000,
  /** One answer of a power controller; a ComputerSystem resource has some 10 KiB. */
  powerAnswerBytesMax: 1024 * 1024,
  /** A power controller's words, as kept in a proof. */
  powerSaidLengthMax: 200,
} as const;
