/**
 * The network of a guest in cloud-init's words, version 2 (netplan's). Pure. An interface is known by its
 * address and keeps the name that the guest's kernel gave it.
 */
import type { GuestPort } from "./port.ts";
import { isVersion6 } from "./prefixes.ts";

/** The document network-config of a guest with these ports. */
export function networkConfig(ports: readonly GuestPort[]): Readonly<Record<string, unknown>> {
  return {
    version: 2,
    ethernets: Object.fromEntries(ports.map((port, index) => [`port${index}`, ethernetOf(port)])),
  };
}

function ethernetOf({ macAddress, mtuBytes, addresses, leased6, routes, dnsServers, dhcp }: GuestPort) {
  const gateways = [...(leased6 === undefined ? [] : [leased6]), ...addresses].flatMap(
    ({ address, gateway }) =>
      gateway === null ? [] : [{ to: isVersion6(address) ? "::/0" : "0.0.0.0/0", via: gateway }],
  );
  const all = [...gateways, ...routes.map(({ destination, gateway }) => ({ to: destination, via: gateway }))];
  return {
    match: { macaddress: macAddress },
    mtu: mtuBytes,
    dhcp4: dhcp.v4,
    dhcp6: dhcp.v6,
    // A client of DHCPv6 begins when an advertisement says that a server is there.
    ...(dhcp.v6 ? { "accept-ra": true } : {}),
    ...(addresses.length === 0
      ? {}
      : { addresses: addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`) }),
    ...(all.length === 0 ? {} : { routes: all }),
    ...(dnsServers.length === 0 ? {} : { nameservers: { addresses: dnsServers } }),
  };
}
