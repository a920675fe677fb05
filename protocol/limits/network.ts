/**
 * Limits of networks and what is on them. Schemas and quotas refuse what is beyond them. The numbers of a
 * project are Neutron's default quotas.
 */
export const networkLimits = {
  networksPerProjectMax: 100,
  subnetsPerProjectMax: 100,
  portsPerProjectMax: 500,
  securityGroupsPerProjectMax: 10,
  securityGroupRulesPerProjectMax: 100,
  publishedPortsPerProjectMax: 50,
  routersPerProjectMax: 10,
  floatingIpsPerProjectMax: 50,
  publishedPortsPerCreateMax: 16,
  /** Ports below need root; Linux gives those above to whoever names none, servers of ours among them. */
  hostPortMin: 1_024,
  hostPortMax: 32_767,
  tcpPortMax: 65_535,
  /** Neutron's max_fixed_ips_per_port. */
  addressesPerPortMax: 5,
  securityGroupsPerPortMax: 16,
  /** Neutron's max_allowed_address_pair. */
  addressPairsPerPortMax: 10,
  /** 100 Gbit/s: more than a guest's interface carries. */
  bandwidthKilobitsPerSecondMin: 100,
  bandwidthKilobitsPerSecondMax: 100_000_000,
  /** 128 KiB: a guest hands over up to 64 KiB of TCP as one packet. */
  burstKilobitsMin: 1_049,
  burstKilobitsMax: 4_000_000,
  /** Neutron's max_dns_nameservers and max_subnet_host_routes. */
  dnsServersPerSubnetMax: 5,
  hostRoutesPerSubnetMax: 20,
  poolsPerSubnetMax: 16,
  /** Neutron's max_routes. */
  routesPerRouterMax: 30,
  /** Physical networks that a host leads to or plugs guests into. */
  physicalNetworksMax: 64,
  /** As many as a machine of shape 1 has places for (0052). */
  interfacesPerInstanceMax: 8,
  /** Parts of a picture that a host says it has; it asks for the others again. */
  pictureHashesMax: 2_000,
  /** Ports of one question to a host: those of a page of a list. */
  portStatesMax: 1_000,
  /** What a host says of published ports that it could not open. */
  unpublishedToldMax: 100,
  /** What a host says of parts of its picture that it could not carry out. */
  failuresToldMax: 100,
  /** IPv6 wants 1,280 (RFC 8200, 5); the largest is that of an IPv4 packet. */
  mtuBytesMin: 1_280,
  mtuBytesMax: 65_535,
  /** The longest address of IPv6 has 45 characters; a prefix takes 4 more. */
  addressLengthMax: 49,
} as const;
