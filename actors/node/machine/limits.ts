/**
 * Limits of a machine: restarts of its guest, repetitions of what failed, and patience with a guest. They are
 * never configured.
 */
export const machineLimits = {
  /** Guests restarted by themselves inside the window before their host gives up. */
  guestRestartsMax: 5,
  guestRestartWindowMs: 600_000,
  /**
   * Before the first restart of a guest whose process died, then twice as long each time, up to the maximum.
   */
  guestRestartBackoffMsMin: 500,
  guestRestartBackoffMsMax: 60_000,
  /**
   * A guest that does not hear the power button of a soft reboot in this time is reset; below verbTimeoutMs.
   */
  softResetTimeoutMs: 20_000,
  /** The power button is pressed again after this time: one that is still booting heard nothing. */
  buttonAgainMs: 5_000,
  /**
   * A host's verb that failed and must not be given up (halt, release, pause) is tried again after this time.
   */
  machineRetryMsMin: 500,
  machineRetryMsMax: 30_000,
  /**
   * Observation generations a host takes from one durable write of a machine's file; a life has about ten
   * changes.
   */
  generationsPerWrite: 32,
  /**
   * An ensure is answered after this time at the latest: most work of a host is done by then, and the answer
   * says so.
   */
  ensureAnswerMs: 5,
} as const;
