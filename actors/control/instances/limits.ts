/**
 * Limits of creates: how old a guess may be, and how often another choice is tried. They are never
 * configured.
 */
export const createLimits = {
  /**
   * Age up to which a create may use a cached flavor and image: its commit checks both, and no refusal rests
   * on the cache.
   */
  catalogCacheMs: 1_000,
  /** How often one create asks the scheduler again when other creates have claimed its hosts first. */
  placementAttemptsMax: 8,
} as const;
