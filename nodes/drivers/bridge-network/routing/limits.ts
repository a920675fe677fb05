/** Limits of the driver `bridge`'s routers. They are never configured. */
export const routingLimits = {
  /** Routers of a host: addresses of 169.254.1.0 and above, of which each has one. */
  transitsMax: 60_000,
  /** Routers whose namespaces are looked at and changed at the same time. */
  atOnceMax: 4,
  /** Questions that routers and ways outside answer themselves (ICMP echo), of all who ask together. */
  echoPerSecondMax: 100,
  echoBurstMax: 50,
  /**
   * How often it is told where floating addresses are, at once and then after twice the pause each time: who
   * hears it once may have reason not to believe, and a former host that was not told of its loss answers
   * until its next pull. The last time comes after that.
   */
  announcementsMax: 7,
  announcePauseMs: 1_000,
} as const;
