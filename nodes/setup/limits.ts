/** Limits of the tests as a whole. They are never configured. */
export const setupLimits = {
  /**
   * Time for one phase of `npm test`; all phases together take no more than 8 minutes, installation included.
   */
  testPhaseMsMax: 1_200_000,
} as const;
