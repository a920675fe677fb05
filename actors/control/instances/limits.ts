/**
 * Limits of creates (how old a guess may be, how often another choice is tried) and of explanations. They are
 * never configured.
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

export const explainLimits = {
  /** The newest events of the cell among which an explanation looks for those of its instance. */
  explainEventsMax: 10_000,
} as const;
