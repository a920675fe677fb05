/**
 * Limits of creates: how old a guess may be, and how often another choice is tried. They are never
 * configured.
 */
export const createLimits = {
  /**
   * A create may rest on a flavor and an image that were read so long ago: its commit checks both, and no
   * refusal rests on them.
   */
  catalogCacheMs: 1_000,
  /** How often one create looks for hosts anew when the claims of others were faster. */
  placementAttemptsMax: 8,
} as const;
