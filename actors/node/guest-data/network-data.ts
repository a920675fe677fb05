/**
 * The network of a guest in OpenStack's words: links, networks and services. Pure. Source of the format:
 * openstack/nova, doc/api_schemas/network_data.json.
 */
import type { FixedAddress, GuestPort, GuestRoute } from "./port.ts";
import { isVersion6, netmaskOf, networkOf } from "./prefixes.ts";

type Json = Readonly<Record<string, unknown>>;

/** The document network_data.json of a guest with these ports. */
export function networkData(ports: readonly GuestPort[]): Json {
  const servers = [...new Set(ports.flatMap(({ dnsServers }) => dnsServers))];
  return {
    links: ports.map(linkOf),
    networks: ports.flatMap(networksOf).map((network, index) => ({ id: `network${index}`, ...network })),
    services: servers.map(serviceOf),
  };
}

const linkOf = ({ id, macAddress, mtuBytes }: GuestPort): Json => ({
  id,
  vif_id: id,
  type: "phy",
  mtu: mtuBytes,
  ethernet_mac_address: macAddress,
});

const serviceOf = (address: string): Json => ({ type: "dns", address });

/** One for each fixed address, and one for each family that is asked for by DHCP. */
function networksOf(port: GuestPort): readonly Json[] {
  const { id: link, networkId: network_id, addresses, leased6, dhcp } = port;
  return [
    ...(dhcp.v4 ? [{ type: "ipv4_dhcp", link, network_id }] : []),
    // With the address that it will be told, as Nova has it: nova/virt/netutils.py.
    ...(leased6 === undefined
      ? []
      : [{ ...fixedOf(leased6, port), type: "ipv6_dhcpv6-stateful", link, network_id }]),
    ...addresses.map((address) => ({ ...fixedOf(address, port), link, network_id })),
  ];
}

/** Routes and servers stand with the first address of their family: no guest sets any of them twice. */
function fixedOf(fixed: FixedAddress, { addresses, leased6, routes, dnsServers }: GuestPort): Json {
  const six = isVersion6(fixed.address);
  const all = leased6 === undefined ? addresses : [leased6, ...addresses];
  const isFirst = all.find(({ address }) => isVersion6(address) === six) === fixed;
  const same = (text: string): boolean => isFirst && isVersion6(text) === six;
  return {
    type: six ? "ipv6" : "ipv4",
    ip_address: fixed.address,
    netmask: netmaskOf(fixed.prefixLength, six),
    routes: [
      ...(fixed.gateway === null ? [] : [routeOf({ destination: everywhere(six), gateway: fixed.gateway })]),
      ...routes.filter(({ destination }) => same(destination)).map(routeOf),
    ],
    services: dnsServers.filter(same).map(serviceOf),
  };
}

const everywhere = (six: boolean): string => (six ? "::/0" : "0.0.0.0/0");

function routeOf({ destination, gateway }: GuestRoute): Json {
  const { network, prefixLength } = networkOf(destination);
  return { network, netmask: netmaskOf(prefixLength, isVersion6(network)), gateway };
}
