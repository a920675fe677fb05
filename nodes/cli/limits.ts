/**
 * Limits of the command novact: how long a person waits, and how much is shown. They are never configured.
 */
export const commandLimits = {
  /** Who shows the steps of an operation asks for them again after this time; its end is heard at once. */
  progressPeriodMs: 400,
  /**
   * A person who asks a cluster that is down hears so after this time; a server that is restarted is back by
   * then.
   */
  commandConnectTimeoutMs: 3_000,
  /** Events in one page of the CLI: a page stays well below the size of a body. */
  eventPageLength: 200,
  /** Completion of names in a shell: a person waits for it with a finger on the key. */
  completionTimeoutMs: 1_500,
  /** The doctor asks every host, reads every instance, and may look twice. */
  doctorTimeoutMs: 60_000,
  /** For a command that fences by the power: the time above, and what surrounds it. */
  fenceTimeoutMs: 75_000,
} as const;
