/**
 * Which ways packets were intended to take, by the rows of one moment: on a network, over a router, outside,
 * and from outside to a floating address. It is written apart from the routing that it judges, and knows no
 * static routes: simulated routers have none. Pure.
 */
import { addressOf, cidrOf } from "../../protocol/address.ts";
import type { PacketFact } from "./network-facts.ts";
import { type CellNetworks, isIn, onOneNetwork } from "./packets.ts";
import type { RoutingRows } from "./routing.ts";

type Gate = RoutingRows["interfaces"][number];
type Judged = Pick<PacketFact, "from" | "to" | "flow" | "way">;

/** Whether the packet may get from the one network to the other at all, whatever rules say. */
export function isWay({ routing, ...rows }: CellNetworks, { from, to, flow, way }: Judged): boolean {
  switch (way?.kind) {
    case undefined:
      return onOneNetwork(rows, { from, to });
    case "routed": {
      const gate = gateOf(routing, from, way.gate);
      return gate !== undefined && portBehind(routing, gate, flow.destination) === to;
    }
    case "leaves": {
      const gate = gateOf(routing, from, way.gate);
      return gate !== undefined && leadsOutside(routing, gate, flow.destination);
    }
    case "comes":
      return (
        isLedOutside(routing, way.routerId) &&
        routing.interfaces.some(
          (one) => one.routerId === way.routerId && one.networkId === rows.ports.get(to)?.networkId,
        )
      );
  }
}

/**
 * Whether a guest has, in any of these moments, the address with which outside sees it: a floating one, or
 * its host's. A switch takes the gate from the newest picture of its computer's nodes, and the address from
 * that of the guest's own node: the two may be of different moments.
 */
export function isSeenRightly(moments: readonly CellNetworks[], { from, flow, way }: Judged): boolean {
  if (way?.kind !== "leaves") return true;
  const gates = moments.flatMap(({ routing }) => gateOf(routing, from, way.gate) ?? []);
  const routerIds = [...new Set(gates.map(({ routerId }) => routerId))];
  const isSeen = ({ routing }: CellNetworks, routerId: string) =>
    way.seen === null
      ? routerOf(routing, routerId)?.snat === true
      : floatingOf(routing, routerId, { from, flow }).includes(way.seen);
  return moments.some((moment) => routerIds.some((id) => isSeen(moment, id)));
}

/** Whether anything may leave from there: without an address to be seen with, nothing does. */
export function hasFaceOutside({ routing }: CellNetworks, { from, flow, way }: Judged): boolean {
  const gate = way?.kind === "leaves" ? gateOf(routing, from, way.gate) : undefined;
  if (gate === undefined) return false;
  const floating = floatingOf(routing, gate.routerId, { from, flow });
  return floating.length > 0 || routerOf(routing, gate.routerId)?.snat === true;
}

/** The port to which a floating address leads; undefined: to none. */
export function portCalled({ routing }: CellNetworks, address: string): string | undefined {
  const its = routing.floating.find(({ name }) => name === address);
  return routing.targets.find(({ floatingId }) => floatingId === its?.id)?.portId;
}

function floatingOf(
  { targets, interfaces, floating }: RoutingRows,
  routerId: string,
  { from, flow }: Pick<Judged, "from" | "flow">,
): readonly string[] {
  return targets
    .filter(({ portId, address }) => portId === from && address === flow.source)
    .filter(({ interfaceId }) => interfaces.find(({ id }) => id === interfaceId)?.routerId === routerId)
    .flatMap(({ floatingId }) => floating.find(({ id }) => id === floatingId)?.name ?? []);
}

/** The router's interface with this MAC on the network of the port. */
function gateOf({ ports, interfaces }: RoutingRows, portId: string, mac: string): Gate | undefined {
  const networkId = ports.find(({ id }) => id === portId)?.networkId;
  const isMac = (gate: Gate) => ports.find(({ id }) => id === gate.portId)?.mac === mac;
  return interfaces.find((gate) => gate.networkId === networkId && isMac(gate));
}

const routerOf = ({ routers }: RoutingRows, routerId: string) => routers.find(({ id }) => id === routerId);

/** Of the same router: the one in whose subnet the address is. */
function gateTo({ interfaces, subnets }: RoutingRows, { routerId }: Gate, address: string): Gate | undefined {
  const rangeOf = ({ subnetId }: Gate) => subnets.find(({ id }) => id === subnetId)?.cidr ?? "";
  const own = interfaces.filter((one) => one.routerId === routerId && isIn(rangeOf(one), address));
  const length = (one: Gate) => cidrOf(rangeOf(one))?.prefix ?? 0;
  return own.sort((one, other) => length(other) - length(one))[0];
}

function portBehind(rows: RoutingRows, first: Gate, address: string): string | undefined {
  const gate = gateTo(rows, first, address);
  const holders = rows.addresses.filter(({ name }) => name === address).map(({ portId }) => portId);
  return rows.ports.find(({ id, networkId }) => networkId === gate?.networkId && holders.includes(id))?.id;
}

function isLedOutside(rows: RoutingRows, routerId: string): boolean {
  const external = routerOf(rows, routerId)?.externalNetworkId ?? null;
  return rows.networks.some(({ id, physicalNetwork }) => id === external && physicalNetwork !== null);
}

/** By IPv6 no router leads outside. */
const leadsOutside = (rows: RoutingRows, gate: Gate, address: string): boolean =>
  addressOf(address)?.version === 4 &&
  isLedOutside(rows, gate.routerId) &&
  gateTo(rows, gate, address) === undefined;
