/** Limits of what hosts are asked when somebody looks at ports. They are never configured. */
export const passageLimits = {
  /** Of so many deleted instances a list of ports reads why they still have theirs, at once. */
  heldInstancesMax: 8,
  stateHostsAtOnceMax: 50,
  /** The ports of a slower host have no status: who looks at a list is not kept waiting. */
  hostPatienceMs: 2_000,
} as const;
