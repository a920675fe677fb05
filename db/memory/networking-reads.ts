/** Reads from memory what a host is told of networks. It changes nothing. */
import type { NetworkingReads, NetworkingRows } from "../../actors/ports/networking-reads.ts";
import { network, subnet } from "../../protocol/network.ts";
import { address, groupMembership, plug, port } from "../../protocol/port.ts";
import { publishedPort } from "../../protocol/published-port.ts";
import { securityGroupRule } from "../../protocol/security-group.ts";
import type { Tables } from "../rows/tables.ts";

export class MemoryNetworkingReads implements NetworkingReads {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async ofHost(hostId: string): Promise<NetworkingRows> {
    const tables = this.#tables;
    const ports = pluggedOn(hostId, tables);
    const [portIds, networkIds] = [ports.map(({ id }) => id), ports.map(({ networkId }) => networkId)];
    const memberships = referring(tables.rowsOf(groupMembership), "portId", portIds);
    const groupIds = memberships.map(({ groupId }) => groupId);
    const rules = referring(tables.rowsOf(securityGroupRule), "groupId", groupIds);
    const remote = rules.flatMap(({ remoteGroupId }) => remoteGroupId ?? []);
    const networks = [...tables.rowsOf(network).values()].filter(({ id }) => networkIds.includes(id));
    return {
      version: tables.lastSequence,
      ports,
      networks: networks.map(({ id, number, mtuBytes }) => ({ id, number, mtuBytes })),
      subnets: referring(tables.rowsOf(subnet), "networkId", networkIds).map(subnetIn),
      addresses: referring(tables.rowsOf(address), "portId", portIds).map(({ portId, subnetId, name }) => ({
        ...{ portId, subnetId, address: name },
      })),
      memberships: memberships.map(({ id, portId, groupId }) => ({ id, portId, groupId })),
      rules: rules.map(ruleIn),
      members: membersOf(remote, tables),
      far: farOf(hostId, networkIds, tables),
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
        const { id, networkId, mac, portSecurity, addressPairs } = row;
        return { id, instanceId, networkId, mac, portSecurity, addressPairs };
      }),
    );
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
