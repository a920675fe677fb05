/** Limits of the driver `bridge`'s rules. They are never configured. */
export const ruleLimits = {
  /** Linux has 16 bits for a zone, and zone 0 is everybody's. */
  zonesMax: 65_535,
  /** Two addresses each of 100.64.0.0/10. */
  servicesMax: 2_000_000,
  /** DHCP's questions of one port: a guest asks a few times when it begins, and twice a day. */
  dhcpPerSecondMax: 20,
  dhcpBurstMax: 40,
  /** Questions of DHCPv6 and for routers, of one port. */
  asksPerSecondMax: 20,
  asksBurstMax: 40,
  /** Connections of one port for metadata: a reader that walks Amazon's tree makes some 20 at once. */
  metadataPerSecondMax: 50,
  metadataBurstMax: 100,
  /** Ports whose questions of one kind are counted at the same time. */
  ratesMax: 65_536,
  /** Ends of revoked connections of one protocol that the kernel remembers; all are read each time. */
  revokedEndsMax: 32_768,
  /** Of one port, so that no guest takes the places of all others. A tunnel counts as several ports. */
  revokedPerPortMax: 4_096,
  revokedTunnelSharesMax: 4,
  /** Lines that end connections while others wait, and connections that are looked at for them. */
  endingLinesMax: 32,
  endingWalkMax: 200_000,
  /** Pause between the lines that nobody waits for. */
  sweepPauseMs: 500,
  /** Period of looking whether the responder lives. */
  responderLookPeriodMs: 1_000,
  /** Longest pause before a responder that ended soon is started again. A life of that length is sound. */
  responderPauseMsMax: 60_000,
  /** A responder that has given no sign of life for this time is said to answer nobody. */
  responderSilenceMsMax: 15_000,
} as const;
