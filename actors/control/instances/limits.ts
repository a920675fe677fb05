/**
 * Limits of creates (how old a guess may be, how often another choice is tried), of explanations and of
 * consoles. They are never configured.
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

export const consoleLimits = {
  /** Callers that wait for one guest's console at one controller: as many as its host takes of all. */
  consoleReadersPerGuestMax: 32,
  /** When who was refused for too many of them shall ask again. */
  consoleReadersRetryAfterMs: 1_000,
} as const;
