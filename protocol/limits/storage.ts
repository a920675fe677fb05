/** Limits of shared storage and image files that several rooms must agree on. They are never configured. */
export const storageLimits = {
  /**
   * How often a controller looks for disks on shared storage that no instance owns. They cost only space, and
   * a look reads every instance.
   */
  sweepPeriodMs: 600_000,
  /**
   * Disks that a host is told to remove in one request: as many as it removes within the time for one
   * question.
   */
  sharedDisksRemovedMax: 50,
  /** As many as a machine of shape 1 has places for (0052). */
  volumesPerInstanceMax: 26,
  /** Storages of volumes that one host sees; drivers have one or two. */
  volumeStoragesPerHostMax: 8,
  /** Volumes that a host is told to remove in one request. */
  volumesRemovedMax: 50,
  /**
   * A registration that has held a file for this long has died. Longer than imageRegistrationMsMax, with room
   * for a clock that was set and for a process that was paused.
   */
  imageHoldMs: 24 * 3_600_000,
  /** How long the part of an upload is kept for whoever resumes it. */
  uploadKeptMs: 3_600_000,
  /** What one page of the list of a storage tells of its volumes: one each, and some parts. */
  volumeFilesPageMax: 1_000,
  volumesPerProjectMax: 10_000,
  /** Of all volumes of a project together. */
  volumeGibPerProjectMax: 1024 * 1024,
  /** Uploads of one project at once. */
  uploadsPerProjectMax: 4,
} as const;
