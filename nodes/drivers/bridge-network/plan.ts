/**
 * What there is to be in the fabric, as a pure function of the picture and the ports: a bridge a network, a
 * tap a port, a tunnel where ports of the network are on other hosts, and who is behind which of them.
 * Bridges learn nothing and flood nothing: who has which address is known from the picture, so nobody has to
 * ask everybody, and no guest can say that it is another. A port that is not in the picture has no bridge.
 */
import { isVersion6 } from "../../../actors/node/guest-data/prefixes.ts";
import type {
  FarPicture,
  HostNetworking,
  NetworkPicture,
  PortPicture,
} from "../../../protocol/networking.ts";
import type { Bandwidth } from "../../../protocol/port.ts";
import { hatchMac } from "../../responder/hatch.ts";
import type { PortRecord } from "../user-network/ports.ts";
import { carriedNetworks } from "./carried-networks.ts";
import { bridgeMac, bridgeName, clashing, hatchName, tapName, vxlanName } from "./device-names.ts";
import type { ServiceRoute } from "./filter.ts";
import { gatewayLinkLocal, gatewayOf, isSubnet6 } from "./gateways6.ts";
import { canonical, linkLocalText, type PlannedNeighbour, type PlannedPlace, placesOf } from "./places.ts";
import { type RouterPort, routerPortsOf } from "./router-ports.ts";
import { serviceAddress } from "./service-address.ts";

export interface PlannedBridge {
  readonly name: string;
  readonly networkId: string;
  readonly mac: string;
  readonly mtuBytes: number;
}

export interface PlannedTunnel {
  readonly name: string;
  readonly networkId: string;
  readonly bridge: string;
  /** The VXLAN network identifier. */
  readonly number: number;
  readonly mtuBytes: number;
  /** This host's address of the underlay. */
  readonly local: string;
}

/** The responder's way into a bridge, by which it gets frames of guests and answers them. */
export interface PlannedHatch {
  readonly name: string;
  readonly networkId: string;
  readonly bridge: string;
  readonly number: number;
  readonly mtuBytes: number;
}

export interface PlannedTap {
  readonly name: string;
  readonly portId: string;
  readonly mtuBytes: number;
  /** Null: the tap is on no bridge, and no packet passes the tap. */
  readonly bridge: string | null;
  /** Absent: as much as there is. */
  readonly bandwidth?: Bandwidth;
}

/** The bridge's end of a router's interface; its other end is in the router (routing/). */
export interface PlannedRouterPort {
  readonly name: string;
  readonly portId: string;
  readonly routerId: string;
  readonly mtuBytes: number;
  readonly bridge: string;
}

export interface FabricPlan {
  readonly bridges: readonly PlannedBridge[];
  readonly tunnels: readonly PlannedTunnel[];
  readonly hatches: readonly PlannedHatch[];
  readonly taps: readonly PlannedTap[];
  readonly routerPorts: readonly PlannedRouterPort[];
  readonly places: readonly PlannedPlace[];
  readonly neighbours: readonly PlannedNeighbour[];
  /** Service addresses that the fabric itself reaches, and the bridge of each. */
  readonly routes: readonly Pick<ServiceRoute, "address" | "bridge">[];
}

export interface PlanGiven {
  /** Null: no picture has come yet. */
  readonly networking: HostNetworking | null;
  readonly ports: readonly PortRecord[];
  /** This host's address of the underlay. Null: it reaches no other host. */
  readonly underlay: string | null;
  /** Addresses that no guest has, by which ports are answered. */
  readonly services: readonly ServiceRoute[];
  /** Ports that are on no bridge, though the picture has them: they have no rules. Absent: none. */
  readonly closed?: ReadonlySet<string>;
}

export function planOf(given: PlanGiven): FabricPlan {
  const { networking, ports, services: answered, closed = new Set() } = given;
  const underlay = given.underlay === null ? null : (canonical(given.underlay) ?? null);
  const networks = carriedNetworks(networking);
  const far = underlay === null ? [] : (networking?.far ?? []);
  const routers = routerPortsOf(networking);
  const late = clashing(ports.map(({ portId }) => portId));
  const devoid = ({ portId }: PortRecord) => late.has(portId) || closed.has(portId);
  const records = new Map(ports.flatMap((port) => (devoid(port) ? [] : [[port.portId, port] as const])));
  const answering = new Map(
    answered.flatMap((one) => (one.hatch === undefined ? [] : [[one.bridge, one] as const])),
  );
  const planned = networks.map((network) => {
    const away = far.flatMap((one) => (one.networkId === network.id ? placeable(one) : []));
    const ofRouters = routers.filter(({ networkId }) => networkId === network.id);
    const hatch = answering.get(bridgeName(network.id));
    return plannedNetwork(network, { records, away, underlay, routers: ofRouters, hatch });
  });
  const places = planned.flatMap((one) => one.places);
  const names = new Set(planned.map(({ bridge }) => bridge.name));
  const routes = answered.filter(({ bridge }) => names.has(bridge));
  const services = planned.map(({ bridge: { name, mac } }) => ({
    ...{ bridge: name, address: serviceAddress, mac },
  }));
  const neighbours = served(
    [...services, ...routes],
    planned.flatMap((one) => one.neighbours),
  );
  const bridged = new Map(
    planned.flatMap(({ bridge: { name: bridge }, own }) =>
      own.map(({ id, bandwidth }) => [id, { bridge, ...(bandwidth && { bandwidth }) }] as const),
    ),
  );
  const taps = ports.flatMap(({ portId, mtuBytes }) =>
    late.has(portId)
      ? []
      : [{ name: tapName(portId), portId, mtuBytes, ...(bridged.get(portId) ?? { bridge: null }) }],
  );
  const tunnels = planned.flatMap(({ tunnel }) => tunnel);
  const hatches = planned.flatMap(({ hatch }) => hatch);
  const routerPorts = routers.map(({ device: name, portId, routerId, mtuBytes, bridge }) => ({
    ...{ name, portId, routerId, mtuBytes, bridge },
  }));
  const bridges = planned.map(({ bridge }) => bridge);
  return { bridges, tunnels, hatches, taps, routerPorts, places, neighbours, routes };
}

/** What the host itself needs to answer its guests is no guest's, whatever a port has or says. */
function served(services: readonly PlannedNeighbour[], others: readonly PlannedNeighbour[]) {
  const keyOf = ({ bridge, address }: PlannedNeighbour) => `${bridge} ${address}`;
  const taken = new Set(services.map(keyOf));
  return [...services, ...others.filter((one) => !taken.has(keyOf(one)))];
}

/** The other host as the kernel writes it; nothing, when it has no address that is one. */
function placeable(far: FarPicture): readonly FarPicture[] {
  const host = canonical(far.host);
  return host === undefined ? [] : [{ ...far, host }];
}

interface Around {
  /** By port: those that may have a device. */
  readonly records: ReadonlyMap<string, PortRecord>;
  readonly away: readonly FarPicture[];
  readonly underlay: string | null;
  readonly routers: readonly RouterPort[];
  readonly hatch: ServiceRoute | undefined;
}

function plannedNetwork(network: NetworkPicture, { records, away, underlay, routers, ...around }: Around) {
  const { id: networkId, mtuBytes, number } = network;
  const bridge = { name: bridgeName(networkId), networkId, mac: bridgeMac(networkId), mtuBytes };
  const own = network.ports.filter((port) => isOf(records.get(port.id), networkId, port));
  // The router on another host sends frames of the network here, whether or not that host has a port of it.
  const tunnel =
    underlay === null || (away.length === 0 && routers.length === 0)
      ? []
      : [{ name: vxlanName(networkId), networkId, bridge: bridge.name, number, mtuBytes, local: underlay }];
  const here = own.map((port) => ({
    ...{ device: tapName(port.id), host: null, mac: port.mac, pairs: port.addressPairs },
    addresses: port.addresses.map(({ address }) => address),
  }));
  const there = away.flatMap(({ host, ports: ofHost }) =>
    ofHost.map(({ mac, addresses, addressPairs: pairs }) => ({
      ...{ device: vxlanName(networkId), host, mac, addresses: withLinkLocal(mac, addresses), pairs },
    })),
  );
  // A router's addresses are the router's, whatever a port has or says.
  const routed = routers.map((port) => ({
    ...{ device: port.device, host: null, mac: port.mac, pairs: [], isRouter: true as const },
    addresses: [port.address, ...leadsFor(network, port, routers)],
  }));
  const { hatch, answering } = hatchOf(network, around.hatch);
  return { bridge, own, tunnel, hatch, ...placesOf(bridge, [...answering, ...routed, ...here, ...there]) };
}

/**
 * Addresses of the link, of the subnets that the router's interface is the gateway of; also of those that
 * tell guests nothing any more: who was told of the router goes on for hours by the address that told of it.
 */
const leadsFor = ({ subnets }: NetworkPicture, port: RouterPort, routers: readonly RouterPort[]) =>
  subnets.flatMap((subnet) =>
    isSubnet6(subnet) && gatewayOf(subnet, routers) === port ? [gatewayLinkLocal(subnet)] : [],
  );

function hatchOf({ id: networkId, mtuBytes }: NetworkPicture, route: ServiceRoute | undefined) {
  if (route?.hatch === undefined) return { hatch: [], answering: [] };
  const { bridge, hatch: number, address: host } = route;
  const name = hatchName(networkId);
  return {
    hatch: [{ name, networkId, bridge, number, mtuBytes }],
    answering: [{ device: name, host, mac: hatchMac, addresses: [], pairs: [] }],
  };
}

/** A port that has an address of IPv6 has a link-local one as well. */
const withLinkLocal = (mac: string, addresses: readonly string[]): readonly string[] =>
  addresses.some(isVersion6) ? [...addresses, linkLocalText(mac)] : addresses;

/** Else one of the two is of another life of the port. */
const isOf = (record: PortRecord | undefined, networkId: string, port: PortPicture): boolean =>
  record?.networkId === networkId &&
  record.instanceId === port.instanceId &&
  record.mac.toLowerCase() === port.mac.toLowerCase();
