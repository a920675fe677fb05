/** A guest's network interface as the guest is told of it. Types only. */

/** An address that the guest is to set by itself. */
export interface FixedAddress {
  /** IPv4 with dots, or IPv6 in any of its forms. */
  readonly address: string;
  readonly prefixLength: number;
  /** Where everything goes that no route is for; null: nowhere. */
  readonly gateway: string | null;
}

export interface GuestRoute {
  /** An address and its prefix length, as 10.0.0.0/8. */
  readonly destination: string;
  readonly gateway: string;
}

export interface GuestPort {
  /** Unique among the ports of the guest. */
  readonly id: string;
  /** The network's id; it is told to the guest, which only compares it. */
  readonly networkId: string;
  /** Lower case, with colons: by the address the guest knows which interface is meant. */
  readonly macAddress: string;
  readonly mtuBytes: number;
  /**
   * The address of IPv6 that DHCP tells, with its way out, which advertisements tell as well where a router
   * of ours leads there. Absent: none is told by DHCP.
   */
  readonly leased6?: FixedAddress;
  /** Its first address of IPv4, however the guest comes by it. Absent: it has none. */
  readonly address4?: string;
  /** Empty: the guest asks by DHCP, if `dhcp` says so, or is told no address of this kind. */
  readonly addresses: readonly FixedAddress[];
  readonly routes: readonly GuestRoute[];
  readonly dnsServers: readonly string[];
  /** The families for which the guest asks by DHCP; `router`: and is told where everything goes. */
  readonly dhcp: { readonly v4: boolean; readonly v6: boolean; readonly router?: boolean };
}
