/** Limits of what a controller does for the networks of hosts. They are never configured. */
export const networkingLimits = {
  /**
   * Characters of JSON of the content in one answer: half of what an answer may have, since the encoded form
   * of some texts is longer. The largest part, a group with all ports of a project, has 2.4 million.
   */
  answerLengthMax: 4_000_000,
  /** Commits of this time are told together: a host asks ten times a second at most because of it. */
  newsCollectedMs: 100,
  /** Hosts whose last answer is remembered, so that they can be told of changes. */
  hostsRememberedMax: 10_000,
  /**
   * How often a change of a router, or of what leads by it, is decided anew: each time somebody else of the
   * project has changed it, and more floating addresses than this has no project by default.
   */
  routerAttemptsMax: 64,
} as const;
