/**
 * Which networks routers lead to, and what a host is to know of them, by the rows of one moment. Written
 * apart from the reads of the stores, which are judged by it.
 */
import type { FloatingIp, floatingTarget } from "../../protocol/floating-ip.ts";
import type { network, subnet } from "../../protocol/network.ts";
import type { RouterPicture } from "../../protocol/networking.ts";
import type { address, port } from "../../protocol/port.ts";
import type { router, routerInterface } from "../../protocol/router.ts";
import type { RowOf } from "../../protocol/wire/resource.ts";

export interface RoutingRows {
  readonly networks: readonly RowOf<typeof network>[];
  readonly subnets: readonly RowOf<typeof subnet>[];
  readonly ports: readonly RowOf<typeof port>[];
  readonly addresses: readonly RowOf<typeof address>[];
  readonly routers: readonly RowOf<typeof router>[];
  readonly interfaces: readonly RowOf<typeof routerInterface>[];
  readonly floating: readonly Pick<FloatingIp, "id" | "name">[];
  readonly targets: readonly RowOf<typeof floatingTarget>[];
}

/** Ids of these networks and of all that routers join with them. */
export function joinedBy(
  interfaces: RoutingRows["interfaces"],
  networkIds: Iterable<string>,
): ReadonlySet<string> {
  const found = new Set(networkIds);
  // A network that is found while it is gone through is gone through as well.
  for (const networkId of found)
    for (const own of interfaces.filter((one) => one.networkId === networkId))
      for (const other of interfaces) if (other.routerId === own.routerId) found.add(other.networkId);
  return found;
}

/** `portIds`: of interfaces that stay with the guests of the host. */
export function routersAt(
  rows: RoutingRows,
  networkIds: ReadonlySet<string>,
  portIds: readonly string[],
): readonly RouterPicture[] {
  const ids = new Set(rows.interfaces.flatMap((one) => (networkIds.has(one.networkId) ? one.routerId : [])));
  return rows.routers
    .filter(({ id }) => ids.has(id))
    .sort((one, other) => (one.id < other.id ? -1 : 1))
    .map((one) => ({
      id: one.id,
      interfaces: interfacesOf(one.id, rows),
      routes: one.routes,
      outside: outsideOf(one, rows),
      floating: floatingOf(one.id, rows, portIds),
    }));
}

function interfacesOf(routerId: string, rows: RoutingRows): RouterPicture["interfaces"] {
  const own = rows.interfaces.filter((one) => one.routerId === routerId);
  const pictures = own.map(({ portId, networkId, subnetId }) => ({
    ...{ portId, networkId, subnetId },
    mac: rows.ports.find(({ id }) => id === portId)?.mac ?? "",
    address: rows.addresses.find((one) => one.portId === portId && one.subnetId === subnetId)?.name ?? "",
  }));
  return pictures.sort((one, other) => (one.portId < other.portId ? -1 : 1));
}

function outsideOf(
  { externalNetworkId, snat }: RowOf<typeof router>,
  { networks, subnets }: RoutingRows,
): RouterPicture["outside"] {
  const to = networks.find(({ id }) => id === externalNetworkId);
  if (to === undefined || to.physicalNetwork === null) return null;
  const ranges = subnets
    .filter(({ networkId }) => networkId === to.id)
    .map(({ cidr, gateway }) => ({ cidr, gateway }))
    .sort((one, other) => (one.cidr < other.cidr ? -1 : 1));
  const { id: networkId, physicalNetwork, mtuBytes } = to;
  return { networkId, physicalNetwork, mtuBytes, subnets: ranges, snat };
}

function floatingOf(
  routerId: string,
  { targets, interfaces, floating }: RoutingRows,
  portIds: readonly string[],
): RouterPicture["floating"] {
  const here = targets.filter(
    ({ portId, interfaceId }) =>
      portIds.includes(portId) &&
      interfaces.some((one) => one.id === interfaceId && one.routerId === routerId),
  );
  return here
    .map(({ floatingId, portId, address: target }) => {
      const its = floating.find(({ id }) => id === floatingId);
      return { id: floatingId, address: its?.name ?? "", portId, target };
    })
    .sort((one, other) => (one.id < other.id ? -1 : 1));
}
