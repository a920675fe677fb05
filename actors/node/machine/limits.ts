/**
 * Limits of a machine: restarts of its guest, repetitions of what failed, and patience with a guest. They are
 * never configured.
 */
export const machineLimits = {
  /** Automatic restarts of one guest inside the window before its host gives up. */
  guestRestartsMax: 5,
  guestRestartWindowMs: 600_000,
  /**
   * Before the first restart of a guest whose process died, then twice as long each time, up to the maximum.
   */
  guestRestartBackoffMsMin: 500,
  guestRestartBackoffMsMax: 60_000,
  /** The making of a volume for which nobody has waited for so long is called off. */
  makingUnwantedMsMax: 600_000,
  /**
   * A guest that does not hear the power button of a soft reboot in this time is reset; below verbTimeoutMs.
   */
  softResetTimeoutMs: 20_000,
  /** The power button is pressed again after this time: a guest that was still booting did not hear it. */
  buttonAgainMs: 5_000,
  /**
   * A verb of the hypervisor port that failed and must not be given up (halt, release, pause) is tried again
   * after this time.
   */
  machineRetryMsMin: 500,
  machineRetryMsMax: 30_000,
  /**
   * Observation generations a host takes from one durable write of a machine's file; a life has about ten
   * changes.
   */
  generationsPerWrite: 32,
  /** Characters of the message of an observation; below observedTextLengthMax. */
  messageLengthMax: 1_024,
  /**
   * `ensure` is answered after this time at the latest: most of a host's work is done by then, and the answer
   * says so.
   */
  ensureAnswerMs: 5,
} as const;
