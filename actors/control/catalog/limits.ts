/** Limits of registrations of images, and of the sweep after them. They are never configured. */
export const catalogLimits = {
  /**
   * A registration that took longer is not committed: two files of that size at 50 MB/s are 3 hours.
   */
  imageRegistrationMsMax: 4 * 3_600_000,
  /** A file that no image has and nobody holds is left over when it is so old; what is younger may be new. */
  imageLeftoverMs: 600_000,
  /** How often a controller looks for such files. They cost space and nothing else. */
  imageSweepPeriodMs: 600_000,
} as const;
