/**
 * Limits of the command novact: how long a person waits, and how much is shown. They are never configured.
 */
export const commandLimits = {
  /**
   * Period at which a client that shows the steps of an operation asks for them; the end of the operation is
   * answered at once.
   */
  progressPeriodMs: 400,
  /**
   * How long a command tries to connect: after this time it says that the cluster is down; a server that is
   * being restarted is back by then.
   */
  commandConnectTimeoutMs: 3_000,
  /** Events in one page of the CLI: a page stays well below the size of a body. */
  eventPageLength: 200,
  /** Time for completing names in a shell: a person waits for it with a finger on the key. */
  completionTimeoutMs: 1_500,
  /** A controller collects the answers of the others for a second. */
  debugTimeoutMs: 10_000,
  /** The doctor asks every host, reads every instance, and may look twice. */
  doctorTimeoutMs: 60_000,
  /** Deadline of a command that fences by power: powerOffTimeoutMs, and the steps around it. */
  fenceTimeoutMs: 75_000,
} as const;
