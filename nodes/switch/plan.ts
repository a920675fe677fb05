/**
 * The state of a switch made ready for frames: which port is on which network, what it may send and receive,
 * and who has which address. A plug of which the picture says something else is not in the plan, and nothing
 * passes it. Pure.
 */

import type { FarPicture, NetworkPicture, PortPicture } from "../../protocol/networking.ts";
import { leaseOf } from "../dhcp/lease.ts";
import { leaseOf6 } from "../dhcp6/lease.ts";
import { AddressSet, addressDigits } from "./filter/address-set.ts";
import { RuleBook } from "./filter/rules.ts";
import { macDigits } from "./frames/ethernet.ts";
import { linkLocalOf } from "./frames/neighbour.ts";
import {
  type DraftNetwork,
  forwardKey,
  type Plan,
  type PlannedNetwork,
  type PlannedPort,
} from "./planned.ts";
import { addRouters } from "./routing/plan-routers.ts";
import type { SwitchGateway, SwitchPlug, SwitchState } from "./state.ts";

/** `book`: of the plan before, so that what has not changed is not made again. */
export function planOf(state: SwitchState, book = new RuleBook()): Plan {
  const { networking, plugs, gateways = [], exits = [] } = state;
  const plan = new Map<string, PlannedPort>();
  if (networking === null) return plan;
  book.take(networking.groups);
  const plugged = new Map(plugs.map((plug) => [plug.portId, plug]));
  const far = Map.groupBy(farOf(networking.far ?? [], plugs), ({ networkId }) => networkId);
  const networks = new Map<string, DraftNetwork>();
  const add = (port: PlannedPort) => plan.set(port.portId, port);
  for (const picture of networking.networks) {
    const network = draftOf(picture);
    networks.set(network.id, network);
    portsOf(picture, network, { plugged, far: far.get(network.id) ?? [], book }).forEach(add);
  }
  const ranges = new Map(
    networking.networks.flatMap(({ subnets }) => subnets.map(({ id, cidr }) => [id, cidr])),
  );
  addRouters(networking.routers ?? [], { networks, ranges, exits }).forEach(add);
  for (const gateway of gateways) addGateway(gateway, networks.get(gateway.networkId), book).forEach(add);
  return plan;
}

const draftOf = ({ id, number, mtuBytes }: NetworkPicture): DraftNetwork => ({
  ...{ id, number, mtuBytes, byMac: new Map(), byAddress: new Map(), gateways: [] },
  ...{ gates: new Map(), gatesByAddress: new Map() },
});

/** Other nodes of this computer are no other hosts. */
function farOf(far: readonly FarPicture[], plugs: readonly SwitchPlug[]): readonly FarPicture[] {
  const own = new Set(plugs.map(({ underlay }) => underlay));
  return far.filter(({ host }) => !own.has(host));
}

interface Known {
  /** By port. */
  readonly plugged: ReadonlyMap<string, SwitchPlug>;
  /** Of the network. */
  readonly far: readonly FarPicture[];
  readonly book: RuleBook;
}

function portsOf(
  picture: NetworkPicture,
  network: DraftNetwork,
  { plugged, far, book }: Known,
): PlannedPort[] {
  const { byMac, byAddress } = network;
  const ports = picture.ports.flatMap((port) => {
    const plug = plugged.get(port.id);
    if (plug === undefined || !isOfPort(plug, picture, port)) return [];
    const [mac, lease] = [macDigits(port.mac), leaseOf(picture, port, plug.hostName)];
    const [sources, rules] = [sourcesOf(claimsOf(port)), book.of(port.groupIds)];
    const { id: portId, portSecurity: isFiltered } = port;
    const place = { host: undefined, underlay: plug.underlay, node: plug.node };
    const planned: PlannedPort = {
      portId,
      network,
      mac,
      isFiltered,
      sources,
      rules,
      ...{ lease, lease6: leaseOf6(picture, port) },
      ...place,
      bandwidth: port.bandwidth,
    };
    return [{ planned, port }];
  });
  const away = far.flatMap(({ host, ports: there }) =>
    there.map((port) => ({ planned: farPortOf(port, { network, host, rules: book.of([]) }), port })),
  );
  // Own MACs and addresses after those of pairs: nobody's pair takes another port's.
  const all = [...ports, ...away];
  for (const { planned, port } of all) addPairs(planned, port, byMac, byAddress);
  for (const { planned } of all) byMac.set(planned.mac, planned);
  for (const port of [...picture.ports.map(claimsOf), ...away.map(({ port: one }) => one)])
    for (const address of ownAddresses(port)) byAddress.set(address, macDigits(port.mac));
  return all.map(({ planned }) => planned);
}

/** The gateway's port, or none. A router keeps the address, and hands what is sent there to the caller. */
function addGateway(
  gateway: SwitchGateway,
  network: DraftNetwork | undefined,
  book: RuleBook,
): readonly PlannedPort[] {
  const address = addressDigits(gateway.address);
  if (network === undefined || address === undefined) return [];
  const planned = gatewayOf(gateway, network, book);
  if (isTaken(planned, address, network)) return [];
  network.gateways.push(planned);
  if (!network.gatesByAddress.has(address)) network.byAddress.set(address, planned.mac);
  network.byMac.set(planned.mac, planned);
  return [planned];
}

/** Guests have MACs and addresses first: nobody may answer in their place. */
function isTaken({ mac }: PlannedPort, address: string, network: PlannedNetwork): boolean {
  const [holder, known] = [network.byMac.get(mac), network.byAddress.get(address)];
  const isGuests = holder !== undefined && holder.forwards === undefined;
  if (isGuests || network.gates.has(mac)) return true;
  return known !== undefined && known !== mac && !network.gatesByAddress.has(address);
}

function gatewayOf(gateway: SwitchGateway, network: PlannedNetwork, book: RuleBook): PlannedPort {
  const mac = macDigits(gateway.mac);
  const forwards = gateway.forwards.flatMap(({ portId, address, port }) => {
    const digits = addressDigits(address);
    return digits === undefined ? [] : [forwardKey(portId, digits, port)];
  });
  return {
    ...{ portId: gateway.id, network, mac, isFiltered: true, rules: book.of([]), lease: undefined },
    sources: new Map([[mac, new AddressSet([gateway.address])]]),
    ...{ host: undefined, underlay: undefined, forwards: new Set(forwards) },
  };
}

type FarPort = FarPicture["ports"][number];

/** A far port is filtered by its own host. */
const farPortOf = (
  port: FarPort,
  of: Pick<PlannedPort, "network" | "rules"> & { readonly host: string },
): PlannedPort => ({
  ...{ portId: port.id, mac: macDigits(port.mac), isFiltered: false, sources: sourcesOf(port) },
  ...{ ...of, lease: undefined, underlay: undefined },
});

/** What a port may pass for, as said of ports of other hosts. */
type Claims = Pick<FarPort, "mac" | "addresses" | "addressPairs">;

const claimsOf = ({ mac, addresses, addressPairs }: PortPicture): Claims => ({
  ...{ mac, addressPairs, addresses: addresses.map(({ address }) => address) },
});

/** Else one of the two is of another life of the port. */
const isOfPort = (plug: SwitchPlug, network: NetworkPicture, port: PortPicture): boolean =>
  plug.networkId === network.id &&
  plug.instanceId === port.instanceId &&
  macDigits(plug.mac) === macDigits(port.mac);

function ownAddresses(port: Claims): readonly string[] {
  const given = port.addresses.flatMap((address) => addressDigits(address) ?? []);
  return [...given, linkLocalOf(macDigits(port.mac))];
}

/**
 * Of IPv6's link-local addresses a port has the one that is made of its MAC. Others (RFC 7217) could be
 * anybody's, and nobody could reach them: the switch tells addresses from the picture, and learns none.
 */
function sourcesOf(port: Claims): ReadonlyMap<string, AddressSet> {
  const own = macDigits(port.mac);
  const texts = new Map([[own, port.addresses]]);
  for (const { cidr, mac } of port.addressPairs) {
    const key = mac === null ? own : macDigits(mac);
    texts.set(key, [...(texts.get(key) ?? []), cidr]);
  }
  return new Map([...texts].map(([mac, some]) => [mac, new AddressSet([...some, colons(linkLocalOf(mac))])]));
}

const colons = (digits: string): string => digits.match(/.{4}/g)?.join(":") ?? "";

/** Of several ports with the same pair, the first: nobody says which of them has it at the moment. */
function addPairs(
  planned: PlannedPort,
  port: Pick<Claims, "addressPairs">,
  byMac: Map<string, PlannedPort>,
  byAddress: Map<string, string>,
): void {
  for (const { cidr, mac } of port.addressPairs) {
    const key = mac === null ? planned.mac : macDigits(mac);
    if (!byMac.has(key)) byMac.set(key, planned);
    const address = /\/(?:32|128)$/.test(cidr) ? addressDigits(cidr.split("/")[0] ?? "") : undefined;
    if (address !== undefined && !byAddress.has(address)) byAddress.set(address, key);
  }
}
