/**
 * What DHCP tells a port, taken from its picture alone: there is no file of leases, so none can be lost or
 * contradict the picture. Pure.
 */
import { type Address, addressOf, cidrOf, contains } from "../../protocol/address.ts";
import type { NetworkPicture, PortPicture, SubnetPicture } from "../../protocol/networking.ts";

/** Addresses as numbers. */
export interface Lease {
  readonly address: number;
  readonly prefix: number;
  /** Null: the guest is told of no router. */
  readonly router: number | null;
  readonly dnsServers: readonly number[];
  readonly routes: readonly Route[];
  readonly mtuBytes: number;
  /** Null: the guest's name is none that DHCP can tell. */
  readonly hostName: string | null;
  /** Twelve digits. */
  readonly mac: string;
}

export interface Route {
  readonly destination: number;
  readonly prefix: number;
  /** 0: what is reached without a router. */
  readonly router: number;
}

/** What a port of this MAC answers to, in guests' every network: of DHCP, and of metadata. */
export const serviceAddress = 0xa9fe_a9fe;

/** Undefined: the port has no address of IPv4 that DHCP tells. Of several, the first. */
export function leaseOf(
  network: Pick<NetworkPicture, "subnets" | "mtuBytes">,
  port: PortPicture,
  hostName: string,
): Lease | undefined {
  for (const { subnetId, address } of port.addresses) {
    const subnet = network.subnets.find(({ id }) => id === subnetId);
    const range = cidrOf(subnet?.cidr ?? "");
    const own = addressOf(address);
    if (subnet?.dhcp !== true || own?.version !== 4 || range === undefined || !contains(range, own)) continue;
    return {
      address: Number(own.value),
      prefix: range.prefix,
      router: numbersOf(subnet.gateway === null ? [] : [subnet.gateway])[0] ?? null,
      dnsServers: numbersOf(subnet.dnsServers),
      routes: routesOf(subnet),
      mtuBytes: network.mtuBytes,
      // RFC 1123, 2.1: other letters are an attack on whoever writes them into a file.
      hostName: /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/.test(hostName) ? hostName : null,
      mac: port.mac.replaceAll(":", "").toLowerCase(),
    };
  }
  return undefined;
}

const isVersion4 = (address: Address | undefined): address is Address => address?.version === 4;

const numbersOf = (texts: readonly string[]): readonly number[] =>
  texts
    .map(addressOf)
    .filter(isVersion4)
    .map(({ value }) => Number(value));

/**
 * A client that knows these routes takes no notice of the option of the router (RFC 3442), so the default
 * route is one of them. The service is reached without a router, also where there is none.
 */
function routesOf({ gateway, hostRoutes }: SubnetPicture): readonly Route[] {
  const given = hostRoutes.flatMap(({ destination, nextHop }) => {
    const range = cidrOf(destination);
    const [router] = numbersOf([nextHop]);
    if (range?.version !== 4 || router === undefined) return [];
    return [{ destination: Number(range.first), prefix: range.prefix, router }];
  });
  const own = { destination: serviceAddress, prefix: 32, router: 0 };
  const isDefault = ({ prefix }: Route) => prefix === 0;
  const byGateway = numbersOf(gateway === null || given.some(isDefault) ? [] : [gateway]).map((router) => ({
    ...{ destination: 0, prefix: 0, router },
  }));
  return [own, ...byGateway, ...given];
}
