/** Reads from memory what a host is told of networks. It changes nothing. */
import type { NetworkingReads, NetworkingRows } from "../../actors/ports/networking-reads.ts";
import { floatingIp, floatingTarget } from "../../protocol/floating-ip.ts";
import { network, subnet } from "../../protocol/network.ts";
import { address, groupMembership, plug, port } from "../../protocol/port.ts";
import { publishedPort } from "../../protocol/published-port.ts";
import { router, routerInterface } from "../../protocol/router.ts";
import { securityGroupRule } from "../../protocol/security-group.ts";
import type { RowOf } from "../../protocol/wire/resource.ts";
import type { Tables } from "../rows/tables.ts";

export class MemoryNetworkingReads implements NetworkingReads {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async ofHost(hostId: string): Promise<NetworkingRows> {
    const tables = this.#tables;
    const ports = pluggedOn(hostId, tables);
    const portIds = ports.map(({ id }) => id);
    const networkIds = reachedFrom(ports, tables);
    const gates = referring(tables.rowsOf(routerInterface), "networkId", networkIds);
    const memberships = referring(tables.rowsOf(groupMembership), "portId", portIds);
    const groupIds = memberships.map(({ groupId }) => groupId);
    const rules = referring(tables.rowsOf(securityGroupRule), "groupId", groupIds);
    const remote = rules.flatMap(({ remoteGroupId }) => remoteGroupId ?? []);
    const networks = [...tables.rowsOf(network).values()].filter(({ id }) => networkIds.includes(id));
    return {
      version: tables.lastSequence,
      ports,
      networks: networks.map(({ id, number, mtuBytes, physicalNetwork }) => ({
        ...{ id, number, mtuBytes, physicalNetwork },
      })),
      subnets: referring(tables.rowsOf(subnet), "networkId", networkIds).map(subnetIn),
      addresses: referring(tables.rowsOf(address), "portId", portIds).map(({ portId, subnetId, name }) => ({
        ...{ portId, subnetId, address: name },
      })),
      memberships: memberships.map(({ id, portId, groupId }) => ({ id, portId, groupId })),
      rules: rules.map(ruleIn),
      members: membersOf(remote, tables),
      far: farOf(hostId, networkIds, tables),
      routers: routersOf(gates, tables),
      routerInterfaces: gates.flatMap((one) => gateIn(one, tables)),
      floating: floatingOf(stayingOf(ports, tables), tables),
      published: referring(tables.rowsOf(publishedPort), "portId", stayingOf(ports, tables)).map(publishedIn),
    };
  }
}

type RowsOf<T> = { readonly values: () => Iterable<T> };

/** The rows whose field is one of the ids. */
const referring = <T>(rows: RowsOf<T>, field: keyof T, ids: readonly unknown[]): readonly T[] => {
  const wanted = new Set(ids);
  return [...rows.values()].filter((row) => wanted.has(row[field]));
};

function pluggedOn(hostId: string, tables: Tables): NetworkingRows["ports"] {
  return [...tables.claims.values()]
    .filter((claim) => claim.hostId === hostId)
    .flatMap(({ instanceId, ownerEpoch }) => {
      const instance = tables.instances.get(instanceId);
      return instance?.ownerEpoch === ownerEpoch ? [instance] : [];
    })
    .flatMap(({ id: instanceId, interfaces }) =>
      (interfaces ?? []).flatMap(({ portId }) => {
        const row = tables.rowsOf(port).get(portId);
        if (row === undefined) return [];
        const { id, networkId, mac, portSecurity, addressPairs, bandwidth } = row;
        return { id, instanceId, networkId, mac, portSecurity, addressPairs, bandwidth };
      }),
    );
}

/** Ids of the networks of these ports, and of those to which routers lead from there. */
function reachedFrom(ports: NetworkingRows["ports"], tables: Tables): readonly string[] {
  const gates = [...tables.rowsOf(routerInterface).values()];
  const reached = new Set(ports.map(({ networkId }) => networkId));
  for (let before = -1; reached.size > before; ) {
    before = reached.size;
    const routerIds = new Set(gates.filter((one) => reached.has(one.networkId)).map((one) => one.routerId));
    for (const one of gates) if (routerIds.has(one.routerId)) reached.add(one.networkId);
  }
  return [...reached];
}

type Gate = RowOf<typeof routerInterface>;

function routersOf(gates: readonly Gate[], tables: Tables): NetworkingRows["routers"] {
  const ids = new Set(gates.map(({ routerId }) => routerId));
  return [...tables.rowsOf(router).values()]
    .filter(({ id }) => ids.has(id))
    .map(({ id, routes, snat, externalNetworkId }) => {
      const to = externalNetworkId === null ? undefined : tables.rowsOf(network).get(externalNetworkId);
      return { id, routes, snat, outside: outsideOf(to, tables) };
    });
}

function outsideOf(
  to: RowOf<typeof network> | undefined,
  tables: Tables,
): NetworkingRows["routers"][number]["outside"] {
  if (to === undefined || to.physicalNetwork === null) return null;
  const { id: networkId, physicalNetwork, mtuBytes } = to;
  const ranges = referring(tables.rowsOf(subnet), "networkId", [networkId]);
  const subnets = ranges.map(({ cidr, gateway }) => ({ cidr, gateway }));
  return { networkId, physicalNetwork, mtuBytes, subnets };
}

function gateIn(
  { routerId, portId, networkId, subnetId }: Gate,
  tables: Tables,
): NetworkingRows["routerInterfaces"] {
  const mac = tables.rowsOf(port).get(portId)?.mac;
  const own = referring(tables.rowsOf(address), "portId", [portId]).find((one) => one.subnetId === subnetId);
  if (mac === undefined || own === undefined) return [];
  return [{ routerId, portId, networkId, mac, subnetId, address: own.name }];
}

function floatingOf(portIds: readonly string[], tables: Tables): NetworkingRows["floating"] {
  return referring(tables.rowsOf(floatingTarget), "portId", portIds).flatMap((one) => {
    const [floating, gate] = [
      tables.rowsOf(floatingIp).get(one.floatingId),
      tables.rowsOf(routerInterface).get(one.interfaceId),
    ];
    if (floating === undefined || gate === undefined) return [];
    const { id, name } = floating;
    return [{ id, address: name, portId: one.portId, target: one.address, routerId: gate.routerId }];
  });
}

/** Ids of the ports that are not on their way out of their instance. */
const stayingOf = (ports: NetworkingRows["ports"], tables: Tables): readonly string[] =>
  ports.flatMap(({ id, instanceId }) => {
    const own = tables.instances.get(instanceId)?.interfaces?.find(({ portId }) => portId === id);
    return own?.change?.kind === "leaving" ? [] : id;
  });

const subnetIn = (row: NetworkingRows["subnets"][number]): NetworkingRows["subnets"][number] => {
  const { id, networkId, cidr, gateway, dnsServers, hostRoutes, dhcp } = row;
  return { id, networkId, cidr, gateway, dnsServers, hostRoutes, dhcp };
};

const ruleIn = (row: NetworkingRows["rules"][number]): NetworkingRows["rules"][number] => {
  const { id, groupId, direction, ipVersion, protocol, portMin, portMax, remoteCidr, remoteGroupId } = row;
  return { id, groupId, direction, ipVersion, protocol, portMin, portMax, remoteCidr, remoteGroupId };
};

/** As said of what is plugged in, since an interface that is being taken away is not in its instance. */
function farOf(hostId: string, networkIds: readonly string[], tables: Tables): NetworkingRows["far"] {
  const underlayOf = (id: string) => tables.hosts.get(id)?.drivers?.networking?.underlay ?? undefined;
  const own = underlayOf(hostId);
  if (own === undefined) return [];
  return referring(tables.rowsOf(port), "networkId", networkIds).flatMap((row) => {
    const { id, networkId, mac, addressPairs } = row;
    const hosts = hostsOf(id, tables).flatMap((one) => underlayOf(one) ?? []);
    const addresses = referring(tables.rowsOf(address), "portId", [id]).map(({ name }) => name);
    return hosts
      .filter((host) => host !== own)
      .map((host) => ({ id, networkId, host, mac, addresses, addressPairs }));
  });
}

/** The host of the present claim of the instance that is plugged into the port. */
function hostsOf(portId: string, tables: Tables): readonly string[] {
  const [plugged] = referring(tables.rowsOf(plug), "portId", [portId]);
  const instance = plugged?.device === "instance" ? tables.instances.get(plugged.deviceId) : undefined;
  return [...tables.claims.values()]
    .filter((claim) => claim.instanceId === instance?.id && claim.ownerEpoch === instance.ownerEpoch)
    .map((claim) => claim.hostId);
}

const publishedIn = (row: NetworkingRows["published"][number]): NetworkingRows["published"][number] => {
  const { id, portId, hostPort, address: bound, port: guestPort } = row;
  return { id, portId, hostPort, address: bound, port: guestPort };
};

function membersOf(groupIds: readonly string[], tables: Tables): NetworkingRows["members"] {
  return referring(tables.rowsOf(groupMembership), "groupId", groupIds).flatMap(({ groupId, portId }) => {
    const row = tables.rowsOf(port).get(portId);
    if (row === undefined) return [];
    const addresses = referring(tables.rowsOf(address), "portId", [portId]).map(({ name }) => name);
    return { groupId, addresses, pairs: row.addressPairs };
  });
}
