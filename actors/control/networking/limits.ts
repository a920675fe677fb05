/** Limits of what a controller does for the networks of hosts. They are never configured. */
export const networkingLimits = {
  /** Commits of this time are told together: a host asks ten times a second at most because of it. */
  newsCollectedMs: 100,
  /** Hosts whose last answer is remembered, so that they can be told of changes. */
  hostsRememberedMax: 10_000,
} as const;
