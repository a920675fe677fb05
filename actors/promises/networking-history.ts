/**
 * What hosts were to know of networks at every moment, from the commits themselves. A checker applies each
 * commit, and asks for the picture of a host as of an event. It knows the last moments only.
 */
import { floatingIp, floatingTarget } from "../../protocol/floating-ip.ts";
import { network, subnet } from "../../protocol/network.ts";
import type { HostNetworking, RulePicture, SubnetPicture } from "../../protocol/networking.ts";
import { address, groupMembership, plug, port } from "../../protocol/port.ts";
import { publishedPort } from "../../protocol/published-port.ts";
import { router, routerInterface } from "../../protocol/router.ts";
import { securityGroupRule } from "../../protocol/security-group.ts";
import type { Resource, ResourceRow, RowOf } from "../../protocol/wire/resource.ts";
import type { Commit } from "../records/commit.ts";
import type { RowChange } from "../records/rows.ts";
import type { Committed } from "./facts.ts";
import { farPorts } from "./far-ports.ts";
import { createLedger } from "./ledger.ts";
import type { CellNetworks } from "./packets.ts";
import { joinedBy, type RoutingRows, routersAt } from "./routing.ts";
import { changedId, rowAfter } from "./row-written.ts";

type Table = ReadonlyMap<string, ResourceRow>;
const judged: readonly Resource[] = [
  ...[network, subnet, port, address, groupMembership, plug, securityGroupRule, publishedPort],
  ...[router, routerInterface, floatingIp, floatingTarget],
];

/** A guest with interfaces on the host that has its present claim. */
interface Plugged {
  readonly hostId: string;
  readonly instanceId: string;
  readonly portIds: readonly string[];
  /** Ports of leaving interfaces: they publish nothing any more. */
  readonly leavingIds: readonly string[];
}

interface Moment {
  /** Number of the newest event. */
  readonly version: number;
  /** The commit that made it had the newest event: with this number, nothing else was true before. */
  readonly isFirst: boolean;
  readonly tables: ReadonlyMap<string, Table>;
  readonly plugged: readonly Plugged[];
  /** By host. */
  readonly underlays: Underlays;
}

type Underlays = ReadonlyMap<string, string>;

const beginning: Moment = {
  ...{ version: 0, isFirst: true, tables: new Map(), plugged: [], underlays: new Map() },
};

/** Pictures that are older than so many changes are not judged: a host asks again much sooner. */
const momentsMax = 2_000;

export class NetworkingHistory {
  readonly #ledger = createLedger();
  /** Ids of the instances that have interfaces. */
  readonly #networked = new Set<string>();
  #lastSequence = 0;
  #moments: Moment[] = [beginning];

  apply({ commit, result }: Committed): void {
    if (result.kind !== "committed") return;
    this.#ledger.apply(commit);
    this.#lastSequence = Math.max(this.#lastSequence, result.lastSequence);
    for (const { row } of commit.instances ?? []) if (row.interfaces?.length) this.#networked.add(row.id);
    const changes = (commit.rows ?? []).filter(({ resource }) => isJudged(resource) || isParent(resource));
    const underlays = underlaysAfter(this.#now.underlays, commit);
    const isElsewhere = underlays !== this.#now.underlays;
    if (changes.length === 0 && !isElsewhere && !this.#movesGuests(commit)) return;
    const tables = changes.reduce(changed, this.#now.tables);
    const isFirst = result.lastSequence > 0;
    const plugged = this.#plugged();
    this.#moments.push({ version: this.#lastSequence, isFirst, tables, plugged, underlays });
    if (this.#moments.length > 2 * momentsMax) this.#moments = this.#moments.slice(-momentsMax);
  }

  /** The pictures of a host that were true when this was the newest event; empty: it is too long ago. */
  asOf(hostId: string, version: number): readonly HostNetworking[] {
    const before = this.#moments.findLast((one) => one.version < version);
    const during = this.#moments.filter((one) => one.version === version);
    const possible = before === undefined || during[0]?.isFirst === true ? during : [before, ...during];
    return possible.map((moment) => pictureAt(moment, hostId));
  }

  /** The rows of each moment since this was the newest event, the newest last; empty: it is too long ago. */
  cellSince(version: number): readonly CellNetworks[] {
    const at = this.#moments.findLastIndex((one) => one.version <= version);
    return at < 0 ? [] : this.#moments.slice(at).map(cellAt);
  }

  now(hostId: string): HostNetworking {
    return pictureAt(this.#now, hostId);
  }

  get #now(): Moment {
    return this.#moments.at(-1) ?? beginning;
  }

  #movesGuests({ instances = [], claims = [], claimsReleased = [], hostsRemoved = [] }: Commit): boolean {
    const ids = [
      ...instances.map(({ row }) => row.id),
      ...[...claims, ...claimsReleased].map((one) => one.instanceId),
    ];
    return hostsRemoved.length > 0 || ids.some((id) => this.#networked.has(id));
  }

  #plugged(): readonly Plugged[] {
    return [...this.#networked].flatMap((instanceId) => {
      const row = this.#ledger.row(instanceId);
      const claim = row && this.#ledger.claims(instanceId).get(row.ownerEpoch);
      if (row === undefined || claim === undefined) return [];
      const { interfaces } = row;
      const leaving = (interfaces ?? []).filter(({ change }) => change?.kind === "leaving");
      const idsOf = (some: typeof interfaces) => (some ?? []).map(({ portId }) => portId);
      const { hostId } = claim;
      return { hostId, instanceId, portIds: idsOf(interfaces), leavingIds: idsOf(leaving) };
    });
  }
}

/** The map of before, when no host says another underlay. */
function underlaysAfter(before: Underlays, { hosts = [] }: Commit): Underlays {
  const said = hosts.flatMap(({ hostId, drivers }) => {
    const underlay = drivers?.networking?.underlay ?? undefined;
    return underlay === before.get(hostId) ? [] : [[hostId, underlay] as const];
  });
  if (said.length === 0) return before;
  const after = new Map(before);
  for (const [hostId, underlay] of said)
    if (underlay === undefined) after.delete(hostId);
    else after.set(hostId, underlay);
  return after;
}

type Tables = Moment["tables"];

function cellAt({ tables }: Moment): CellNetworks {
  const known = cells.get(tables) ?? cellOf(tables);
  cells.set(tables, known);
  return known;
}

/** Packets ask for the same moments again and again. */
const cells = new WeakMap<Tables, CellNetworks>();

const rowsIn =
  (tables: Tables) =>
  <R extends Resource>({ table }: R) =>
    [...(tables.get(table)?.values() ?? [])] as RowOf<R>[];

function routingIn(tables: Tables): RoutingRows {
  const all = rowsIn(tables);
  return {
    ...{ networks: all(network), subnets: all(subnet), ports: all(port), addresses: all(address) },
    ...{ routers: all(router), interfaces: all(routerInterface) },
    ...{ floating: all(floatingIp), targets: all(floatingTarget) },
  };
}

function cellOf(tables: Tables): CellNetworks {
  const all = rowsIn(tables);
  return {
    routing: routingIn(tables),
    ports: new Map(all(port).map((one) => [one.id, one])),
    rules: all(securityGroupRule),
    groupsOf: (portId) => textsOf(all(groupMembership), "groupId", { portId }),
    addressesOf: (portId) => textsOf(all(address), "name", { portId }),
  };
}

const isJudged = ({ table }: Resource): boolean => judged.some((one) => one.table === table);
/** With a row of it, rows that are judged go as well. */
const isParent = ({ noun }: Resource): boolean =>
  judged.some(({ partOf, uses }) => partOf !== undefined && uses?.[partOf] === noun);

function changed(tables: ReadonlyMap<string, Table>, change: RowChange): ReadonlyMap<string, Table> {
  const { resource } = change;
  if ("removed" in change) return without(tables, resource, change.removed);
  const row = rowAfter(change, tables.get(resource.table)?.get(changedId(change)));
  if (row === undefined) return tables;
  return new Map(tables).set(resource.table, new Map(tables.get(resource.table)).set(row.id, row));
}

/** A row goes with all that are parts of it. */
function without(
  tables: ReadonlyMap<string, Table>,
  { noun, table }: Resource,
  id: string,
): ReadonlyMap<string, Table> {
  const left = new Map(tables);
  const own = new Map(tables.get(table));
  own.delete(id);
  left.set(table, own);
  for (const { table: name, partOf, uses } of judged) {
    if (partOf === undefined || uses?.[partOf] !== noun) continue;
    const rows = [...(left.get(name) ?? [])].filter(([, row]) => Reflect.get(row, partOf) !== id);
    left.set(name, new Map(rows));
  }
  return left;
}

/** Made without the control plane's own words, which are judged by it. */
function pictureAt(moment: Moment, hostId: string): HostNetworking {
  const { version, tables, plugged, underlays } = moment;
  const all = rowsIn(tables);
  const guests = plugged.filter((one) => one.hostId === hostId);
  const instanceOf = new Map(guests.flatMap((one) => one.portIds.map((id) => [id, one.instanceId] as const)));
  const leavingIds = new Set(guests.flatMap((one) => one.leavingIds));
  const own = all(port).filter(({ id }) => instanceOf.has(id));
  const groupsOf = (portId: string) => textsOf(all(groupMembership), "groupId", { portId });
  const reached = joinedBy(
    all(routerInterface),
    own.map(({ networkId }) => networkId),
  );
  const networks = all(network).filter(({ id }) => reached.has(id));
  const groupIds = new Set(own.flatMap(({ id }) => groupsOf(id)));
  const rules = all(securityGroupRule).filter(({ groupId }) => groupIds.has(groupId));
  const named = rules.flatMap(({ remoteGroupId }) => remoteGroupId ?? []);
  const membersOf = (groupId: string) =>
    all(port)
      .filter(({ id }) => groupsOf(id).includes(groupId))
      .flatMap(({ id, addressPairs }) => [
        ...textsOf(all(address), "name", { portId: id }).map(
          (one) => `${one}/${one.includes(":") ? 128 : 32}`,
        ),
        ...addressPairs.map(({ cidr }) => cidr),
      ]);
  const far = farPorts(
    {
      networkIds: new Set(networks.map(({ id }) => id)),
      ...{ ports: all(port), addresses: all(address) },
      instanceOf: new Map(all(plug).map(({ portId, deviceId }) => [portId, deviceId])),
      underlayOf: new Map(
        plugged.flatMap((one) => {
          const underlay = underlays.get(one.hostId);
          return underlay === undefined ? [] : [[one.instanceId, underlay] as const];
        }),
      ),
    },
    underlays.get(hostId),
  );
  const staying = own.map(({ id }) => id).filter((id) => !leavingIds.has(id));
  return {
    version,
    far,
    routers: routersAt(routingIn(tables), reached, staying),
    networks: inOrder(networks).map(({ id, number, mtuBytes, physicalNetwork }) => ({
      ...{ id, number, mtuBytes },
      ...(physicalNetwork === null ? {} : { physicalNetwork }),
      subnets: inOrder(all(subnet).filter(({ networkId }) => networkId === id)).map(subnetIn),
      ports: inOrder(own.filter(({ networkId }) => networkId === id)).map((one) => ({
        ...{ id: one.id, instanceId: instanceOf.get(one.id) ?? "", mac: one.mac },
        ...{ portSecurity: one.portSecurity, addressPairs: one.addressPairs, groupIds: groupsOf(one.id) },
        addresses: all(address)
          .filter(({ portId }) => portId === one.id)
          .map(({ subnetId, name }) => ({ subnetId, address: name }))
          .sort((a, b) => (a.address < b.address ? -1 : 1)),
        ...(one.bandwidth === null ? {} : { bandwidth: one.bandwidth }),
        ...(leavingIds.has(one.id) ? {} : publishedOf(all(publishedPort), one.id)),
      })),
    })),
    groups: [...new Set([...groupIds, ...named])].sort().map((id) => ({
      id,
      rules: rules
        .filter(({ groupId }) => groupId === id)
        .map(ruleIn)
        .sort((a, b) => (ruleText(a) < ruleText(b) ? -1 : 1)),
      members: named.includes(id) ? [...new Set(membersOf(id))].sort() : [],
    })),
  };
}

/** Absent where there is none. */
function publishedOf(rows: readonly RowOf<typeof publishedPort>[], ofPort: string) {
  const published = inOrder(rows.filter(({ portId }) => portId === ofPort)).map((row) => {
    const { id, hostPort, address: bound, port: guestPort } = row;
    return { id, hostPort, address: bound, port: guestPort };
  });
  return published.length === 0 ? {} : { published };
}

const inOrder = <T extends { readonly id: string }>(rows: readonly T[]): T[] =>
  [...rows].sort((one, other) => (one.id < other.id ? -1 : 1));

/** The values of a field of the rows that refer to this. */
function textsOf<T extends object>(rows: readonly T[], field: keyof T, of: Partial<T>): string[] {
  const isOf = (row: T) => Object.entries(of).every(([name, value]) => Reflect.get(row, name) === value);
  return rows
    .filter(isOf)
    .map((row) => String(row[field]))
    .sort();
}

type Subnet = SubnetPicture & { readonly networkId: string };
const subnetIn = ({ id, cidr, gateway, dnsServers, hostRoutes, dhcp }: Subnet): SubnetPicture => ({
  ...{ id, cidr, gateway, dnsServers, hostRoutes, dhcp },
});

const ruleIn = ({ direction, ipVersion, protocol, ...rest }: RulePicture): RulePicture => ({
  ...{ direction, ipVersion, protocol, portMin: rest.portMin, portMax: rest.portMax },
  ...{ remoteCidr: rest.remoteCidr, remoteGroupId: rest.remoteGroupId },
});

/** Its fields in the order of their names. */
const ruleText = (rule: RulePicture): string =>
  JSON.stringify(Object.entries(rule).sort(([one], [other]) => (one < other ? -1 : 1)));
