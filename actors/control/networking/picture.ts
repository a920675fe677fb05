/**
 * The picture of the networks on a host, made of the rows of one moment; and the parts of it that the host
 * lacks. The same rows give the same picture, whatever their order. Pure.
 */
import { createHash } from "node:crypto";
import type {
  FarPicture,
  GroupPicture,
  HostNetworking,
  HostNetworkingAnswer,
  NetworkPicture,
  RouterPicture,
} from "../../../protocol/networking.ts";
import type { NetworkingRows } from "../../ports/networking-reads.ts";
import { networkingLimits } from "./limits.ts";

export function pictureOf(rows: NetworkingRows): HostNetworking {
  const of = {
    subnets: Map.groupBy(rows.subnets, ({ networkId }) => networkId),
    ports: Map.groupBy(rows.ports, ({ networkId }) => networkId),
    addresses: Map.groupBy(rows.addresses, ({ portId }) => portId),
    memberships: Map.groupBy(rows.memberships, ({ portId }) => portId),
    published: Map.groupBy(rows.published, ({ portId }) => portId),
  };
  const networks = rows.networks.map((row) => networkOf(row, of));
  const far = farOf(rows.far);
  const routers = routersOf(rows);
  return {
    version: rows.version,
    networks: byText(networks, ({ id }) => id),
    groups: groupsOf(rows),
    ...(far.length === 0 ? {} : { far }),
    ...(routers.length === 0 ? {} : { routers }),
  };
}

/** A part for each network and host: a change on one of a thousand hosts changes a thousandth of it. */
function farOf(rows: NetworkingRows["far"]): readonly FarPicture[] {
  const parts = Map.groupBy(rows, ({ networkId, host }) => `${networkId} ${host}`);
  const pictures = [...parts.values()].flatMap((ports) => {
    const [first] = ports;
    if (first === undefined) return [];
    const { networkId, host } = first;
    return { networkId, host, ports: byText(ports.map(farPortOf), ({ id }) => id) };
  });
  return byText(pictures, ({ networkId, host }) => `${networkId} ${host}`);
}

const farPortOf = ({ id, mac, addresses, addressPairs }: NetworkingRows["far"][number]) => ({
  ...{ id, mac, addresses: [...addresses].sort(), addressPairs },
});

function routersOf({ routers, routerInterfaces, floating }: NetworkingRows): readonly RouterPicture[] {
  const of = <T extends { readonly routerId: string }>(rows: readonly T[]) =>
    Map.groupBy(rows, ({ routerId }) => routerId);
  const [interfacesOf, floatingOf] = [of(routerInterfaces), of(floating)];
  const pictures = routers.map(({ id, routes, snat, outside }) => ({
    id,
    interfaces: byText(
      (interfacesOf.get(id) ?? []).map(({ routerId: _, ...one }) => one),
      ({ portId }) => portId,
    ),
    routes,
    outside: outside && { ...outside, subnets: byText(outside.subnets, ({ cidr }) => cidr), snat },
    floating: byText(
      (floatingOf.get(id) ?? []).map(({ routerId: _, ...one }) => one),
      (one) => one.id,
    ),
  }));
  return byText(pictures, ({ id }) => id);
}

/** Rows by the id of their network, or of their port. */
interface Grouped {
  readonly subnets: ReadonlyMap<string, NetworkingRows["subnets"]>;
  readonly ports: ReadonlyMap<string, NetworkingRows["ports"]>;
  readonly addresses: ReadonlyMap<string, NetworkingRows["addresses"]>;
  readonly memberships: ReadonlyMap<string, NetworkingRows["memberships"]>;
  readonly published: ReadonlyMap<string, NetworkingRows["published"]>;
}

function networkOf(row: NetworkingRows["networks"][number], of: Grouped): NetworkPicture {
  const subnets = (of.subnets.get(row.id) ?? []).map(({ networkId: _, ...subnet }) => subnet);
  const ports = (of.ports.get(row.id) ?? []).map(({ networkId: _, bandwidth, ...port }) => {
    const addresses = (of.addresses.get(port.id) ?? []).map(({ portId: __, ...address }) => address);
    const groupIds = (of.memberships.get(port.id) ?? []).map(({ groupId }) => groupId).sort();
    const published = (of.published.get(port.id) ?? []).map(({ portId: __, ...one }) => one);
    const leading = published.length === 0 ? {} : { published: byText(published, ({ id }) => id) };
    const limited = bandwidth === null ? {} : { bandwidth };
    return {
      ...port,
      ...limited,
      addresses: byText(addresses, ({ address }) => address),
      groupIds,
      ...leading,
    };
  });
  const { physicalNetwork, ...plain } = row;
  const operators = physicalNetwork === null ? {} : { physicalNetwork };
  return {
    ...{ ...plain, ...operators },
    subnets: byText(subnets, ({ id }) => id),
    ports: byText(ports, ({ id }) => id),
  };
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

/**
 * All parts with their hashes; the content only of those of which the host has another, or none, and of as
 * many as an answer holds: the host asks for the others next. One part at least is said.
 */
export function partsFor(
  { version, networks, groups, far, routers }: HostNetworking,
  have: ReadonlySet<string>,
): HostNetworkingAnswer {
  let said = 0;
  const part = <T extends NetworkPicture | GroupPicture | FarPicture | RouterPicture>(picture: T) => {
    const text = JSON.stringify(picture);
    const hash = createHash("sha256").update(text).digest("base64url");
    const isSaid = !have.has(hash) && (said === 0 || said + text.length <= networkingLimits.answerLengthMax);
    if (isSaid) said += text.length;
    return { hash, picture: isSaid ? picture : null };
  };
  return {
    ...{ version, networks: networks.map(part), groups: groups.map(part) },
    ...(far === undefined ? {} : { far: far.map(part) }),
    ...(routers === undefined ? {} : { routers: routers.map(part) }),
  };
}
