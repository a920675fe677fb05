/**
 * A guest's ports as the guest is told of them, taken from the picture of its networks. What DHCP tells a
 * port is left to DHCP; everything else the guest is to set by itself: addresses of subnets without DHCP, of
 * a subnet's second address, and routes of IPv6, which DHCP has no words for. Pure.
 */
import { addressOf, cidrOf, contains } from "../../../protocol/address.ts";
import type { NetworkPicture, PortPicture, SubnetPicture } from "../../../protocol/networking.ts";
import type { FixedAddress, GuestPort } from "./port.ts";
import { isVersion6 } from "./prefixes.ts";

/** In the guest's order; a port that no picture has is left out. */
export function toldPorts(
  portIds: readonly string[],
  networks: readonly NetworkPicture[],
): readonly GuestPort[] {
  const wanted = new Set(portIds);
  const found = networks.flatMap((network) =>
    network.ports.flatMap((port) => (wanted.has(port.id) ? [toldPort(network, port)] : [])),
  );
  return inOrder(portIds, found);
}

/**
 * The ports in the guest's order, with one way out for each family: that of the first port that has one. Of
 * two that the guest set by itself, its kernel would take either.
 */
export function inOrder(portIds: readonly string[], ports: readonly GuestPort[]): readonly GuestPort[] {
  const byId = new Map(ports.map((port) => [port.id, port]));
  const hasWayOut = { v4: false, v6: false };
  return portIds.flatMap((id) => {
    const port = byId.get(id);
    if (port === undefined) return [];
    if (port.dhcp.router === true) hasWayOut.v4 = true;
    const inTurn = (one: FixedAddress): FixedAddress => {
      const family = isVersion6(one.address) ? "v6" : "v4";
      const isLater = hasWayOut[family];
      if (one.gateway !== null) hasWayOut[family] = true;
      return isLater ? { ...one, gateway: null } : one;
    };
    const leased6 = port.leased6 === undefined ? {} : { leased6: inTurn(port.leased6) };
    return [{ ...port, ...leased6, addresses: port.addresses.map(inTurn) }];
  });
}

/** One port as the guest is told of it, without a look at its other ports. */
export function toldPort(
  network: Pick<NetworkPicture, "id" | "subnets" | "mtuBytes">,
  port: PortPicture,
): GuestPort {
  const all = port.addresses.flatMap(({ subnetId, address }) => {
    const subnet = network.subnets.find(({ id }) => id === subnetId);
    return subnet === undefined ? [] : placed(subnet, address);
  });
  // As DHCP has it (nodes/dhcp/lease.ts, nodes/dhcp6/lease.ts): one address of each family, the first.
  const leased = all.find(({ subnet, fixed }) => subnet.dhcp && !isVersion6(fixed.address));
  const leased6 = all.find(({ subnet, fixed }) => subnet.dhcp && isVersion6(fixed.address));
  const own = all.filter((one) => one !== leased && one !== leased6);
  const isLeased = (subnet: SubnetPicture) => subnet === leased?.subnet || subnet === leased6?.subnet;
  const set = [...new Set(all.filter((one) => one !== leased).map(({ subnet }) => subnet))];
  const first = leased ?? all.find(({ fixed }) => !isVersion6(fixed.address));
  return {
    ...{ id: port.id, networkId: network.id, macAddress: port.mac.toLowerCase(), mtuBytes: network.mtuBytes },
    ...(leased6 && { leased6: leased6.fixed }),
    ...(first && { address4: first.fixed.address }),
    addresses: own.map(({ fixed, subnet }) => (isLeased(subnet) ? { ...fixed, gateway: null } : fixed)),
    routes: set
      .filter((subnet) => subnet !== leased?.subnet)
      .flatMap(({ hostRoutes }) =>
        hostRoutes.map(({ destination, nextHop }) => ({ destination, gateway: nextHop })),
      ),
    dnsServers: [...new Set(set.flatMap((subnet) => serversOf(subnet, subnet === leased6?.subnet)))],
    dhcp: {
      ...{ v4: leased !== undefined, v6: leased6 !== undefined },
      router: (leased?.fixed.gateway ?? null) !== null,
    },
  };
}

/** DHCP of IPv6 tells those of IPv6 alone. */
const serversOf = ({ dnsServers }: SubnetPicture, isTold: boolean): readonly string[] =>
  isTold ? dnsServers.filter((server) => !isVersion6(server)) : dnsServers;

interface Placed {
  readonly subnet: SubnetPicture;
  readonly fixed: FixedAddress;
}

/** Nothing, where the two do not fit: a guest is better off without than with what is wrong. */
function placed(subnet: SubnetPicture, text: string): readonly Placed[] {
  const [range, address] = [cidrOf(subnet.cidr), addressOf(text)];
  if (range === undefined || address === undefined || !contains(range, address)) return [];
  const fixed = { address: text, prefixLength: range.prefix, gateway: subnet.gateway };
  return [{ subnet, fixed }];
}
