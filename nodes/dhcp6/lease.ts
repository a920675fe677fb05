/**
 * What DHCPv6 and the advertisements of routers tell a port, taken from its picture alone: there is no file
 * of leases. Addresses are text of 32 digits. Pure.
 */
import { addressOf, cidrOf, contains } from "../../protocol/address.ts";
import type { NetworkPicture, PortPicture } from "../../protocol/networking.ts";

export interface Lease6 {
  readonly address: string;
  /** First address of the subnet's range, and the number of bits that all of it has in common. */
  readonly range: string;
  readonly prefix: number;
  /** Null: the guest is told of no router. */
  readonly gateway: string | null;
  readonly dnsServers: readonly string[];
  readonly mtuBytes: number;
}

/** Undefined: the port has no address of IPv6 that DHCP tells. Of several, the first. */
export function leaseOf6(
  network: Pick<NetworkPicture, "subnets" | "mtuBytes">,
  port: Pick<PortPicture, "addresses">,
): Lease6 | undefined {
  for (const { subnetId, address } of port.addresses) {
    const subnet = network.subnets.find(({ id }) => id === subnetId);
    const range = cidrOf(subnet?.cidr ?? "");
    const own = addressOf(address);
    if (subnet?.dhcp !== true || own?.version !== 6 || range === undefined || !contains(range, own)) continue;
    return {
      address: digits6(own.value),
      range: digits6(range.first),
      prefix: range.prefix,
      gateway: digitsOf(subnet.gateway === null ? [] : [subnet.gateway])[0] ?? null,
      dnsServers: digitsOf(subnet.dnsServers),
      mtuBytes: network.mtuBytes,
    };
  }
  return undefined;
}

const digits6 = (value: bigint): string => value.toString(16).padStart(32, "0");

const digitsOf = (texts: readonly string[]): readonly string[] =>
  texts.flatMap((text) => {
    const address = addressOf(text);
    return address?.version === 6 ? [digits6(address.value)] : [];
  });
