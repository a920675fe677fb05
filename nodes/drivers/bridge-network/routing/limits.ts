/** Limits of the driver `bridge`'s routers. They are never configured. */
export const routingLimits = {
  /** Routers of a host: addresses of 169.254.1.0 and above, of which each has one. */
  transitsMax: 60_000,
  /** Routers whose namespaces are looked at and changed at the same time. */
  atOnceMax: 4,
  /** Questions that routers and ways outside answer themselves (ICMP echo), of all who ask together. */
  echoPerSecondMax: 100,
  echoBurstMax: 50,
  /** When it is told again where floating addresses are: who hears it once may have reason not to believe. */
  announceAfterMs: [0, 1_000, 2_000, 4_000],
} as const;
