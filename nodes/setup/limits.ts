/** Limits of the set-up, and of the tests as a whole. They are never configured. */
export const setupLimits = {
  /** Time for one program of `npm test`: the longest lane of specs takes some 8 minutes on two quiet CPUs. */
  testProgramMsMax: 1_800_000,
  /** Time for one test that names no other, twice what mocha alone gives: neighbours share the CPUs. */
  testMsMax: 20_000,
  /** The same for a live spec. */
  testLiveMsMax: 60_000,
  /** From the end of a program to its last line, unless another process has the pipe. */
  testLastWordsMsMax: 5_000,
  /** More files of live specs that failed are no chance: none of them is run once more. */
  testFilesTriedAgainMax: 5,
  /**
   * Lanes of specs that run side by side. It does not depend on the number of CPUs, so that what runs beside
   * what is the same everywhere.
   */
  testLanesAtOnceMax: 2,
  /** Size of the distribution's disk before a guest grows it: its files take a third of it. */
  distributionDiskMib: 2_048,
} as const;
