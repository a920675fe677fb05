/** Limits of the driver `bridge` and of its namespace. They are never configured. */
export const bridgeNetworkLimits = {
  /** What a tap of Linux carries at most (6.18, tried). */
  tapMtuBytesMax: 65_521,
  /** One run of `ip` or `bridge`: 10 ms, and a second with 10,000 far ports on a busy computer. */
  toolTimeoutMs: 30_000,
  /** What one of them may say: 1,000 taps are 1.5 MB, 10,000 far ports 2 MB. */
  toolOutputBytesMax: 64 * 1024 * 1024,
  /** How often the process that holds the namespace is looked at. */
  holderLookPeriodMs: 1_000,
  /** How often everything in the namespace is compared with the picture, and a part of it by chance. */
  comparePeriodMs: 60_000,
  compareJitterMs: 10_000,
  /** Questions to the kernel by which ports that it refuses are told apart from others. */
  trialsMax: 64,
  /** After a compare that failed; then twice as long, up to comparePeriodMs. */
  compareRetryMs: 5_000,
  /** When rules of a port that the kernel refused are tried again; then twice as long, up to the maximum. */
  refusedRetryMsMin: 5_000,
  refusedRetryMsMax: 300_000,
} as const;
