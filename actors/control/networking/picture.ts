/**
 * The picture of the networks on a host, made of the rows of one moment; and the parts of it that the host
 * lacks. The same rows give the same picture, whatever their order. Pure.
 */
import type {
  GroupPicture,
  HostNetworking,
  HostNetworkingAnswer,
  NetworkPicture,
} from "../../../protocol/networking.ts";
import type { NetworkingRows } from "../../ports/networking-reads.ts";
import { contentHash } from "../request/content-hash.ts";

export function pictureOf(rows: NetworkingRows): HostNetworking {
  return {
    version: rows.version,
    networks: byText(
      rows.networks.map((row) => networkOf(row, rows)),
      ({ id }) => id,
    ),
    groups: groupsOf(rows),
  };
}

function networkOf(row: NetworkingRows["networks"][number], rows: NetworkingRows): NetworkPicture {
  const isOn = ({ networkId }: { readonly networkId: string }) => networkId === row.id;
  const subnets = rows.subnets.filter(isOn).map(({ networkId: _, ...subnet }) => subnet);
  const ports = rows.ports.filter(isOn).map(({ networkId: _, ...port }) => {
    const isOfPort = ({ portId }: { readonly portId: string }) => portId === port.id;
    const addresses = rows.addresses.filter(isOfPort).map(({ portId: __, ...address }) => address);
    const groupIds = rows.memberships.filter(isOfPort).map(({ groupId }) => groupId);
    return { ...port, addresses: byText(addresses, ({ address }) => address), groupIds: groupIds.sort() };
  });
  return { ...row, subnets: byText(subnets, ({ id }) => id), ports: byText(ports, ({ id }) => id) };
}

/** Groups that a port of the host has, and those that their rules name. */
function groupsOf({ memberships, rules, members }: NetworkingRows): readonly GroupPicture[] {
  const named = rules.flatMap(({ remoteGroupId }) => remoteGroupId ?? []);
  const ids = new Set([...memberships.map(({ groupId }) => groupId), ...named]);
  const rulesOf = Map.groupBy(rules, ({ groupId }) => groupId);
  const membersOf = Map.groupBy(members, ({ groupId }) => groupId);
  return [...ids].sort().map((id) => ({
    id,
    rules: byText(
      (rulesOf.get(id) ?? []).map(({ id: _, groupId: __, ...rule }) => rule),
      (rule) => JSON.stringify(ordered(rule)),
    ),
    members: [...new Set((membersOf.get(id) ?? []).flatMap(rangesOf))].sort(),
  }));
}

/** What a port may send from, as ranges. */
const rangesOf = ({ addresses, pairs }: NetworkingRows["members"][number]): readonly string[] => [
  ...addresses.map((address) => `${address}/${address.includes(":") ? 128 : 32}`),
  ...pairs.map(({ cidr }) => cidr),
];

const ordered = (value: object) => Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));

function byText<T>(items: readonly T[], textOf: (item: T) => string): T[] {
  return [...items].sort((one, other) => (textOf(one) < textOf(other) ? -1 : 1));
}

/** All parts with their hashes; the content only of those of which the host has another, or none. */
export function partsFor(
  { version, networks, groups }: HostNetworking,
  have: ReadonlySet<string>,
): HostNetworkingAnswer {
  const part = <T extends object>(picture: T) => {
    const hash = contentHash("picture", "", { picture });
    return { hash, picture: have.has(hash) ? null : picture };
  };
  return { version, networks: networks.map(part), groups: groups.map(part) };
}
