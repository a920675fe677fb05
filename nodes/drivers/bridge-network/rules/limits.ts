/** Limits of the driver `bridge`'s rules. They are never configured. */
export const ruleLimits = {
  /** Linux has 16 bits for a zone, and zone 0 is everybody's. */
  zonesMax: 65_535,
  /** Two addresses each of 100.64.0.0/10. */
  servicesMax: 2_000_000,
  /** DHCP's questions of one port: a guest asks a few times when it begins, and twice a day. */
  dhcpPerSecondMax: 20,
  dhcpBurstMax: 40,
  /** Ports whose questions are counted at the same time. */
  dhcpRatesMax: 65_536,
  /** Revoked connections of one protocol that the kernel remembers. */
  revokedEndsMax: 32_768,
  /** Period of looking whether the responder lives. */
  responderLookPeriodMs: 1_000,
} as const;
