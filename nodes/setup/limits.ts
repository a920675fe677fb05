/** Limits of the tests as a whole. They are never configured. */
export const setupLimits = {
  /** Time for one phase of `npm test`: the live specs take some 13 minutes on two quiet CPUs. */
  testPhaseMsMax: 1_800_000,
} as const;
