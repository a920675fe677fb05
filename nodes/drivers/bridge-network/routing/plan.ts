/**
 * Devices, addresses and routes of routers and ways outside, as a pure function of the picture, of the plan
 * of the fabric, and of the node's configuration. A router has one end of a pair of devices for each
 * of its interfaces, and one for its way outside; it knows who has which address, and asks nobody. A way
 * outside is the node's: it has the node's own address, and leads on for all routers.
 */
import { addressOf, addressText, contains } from "../../../../protocol/address.ts";
import type { HostNetworking, RouterPicture } from "../../../../protocol/networking.ts";
import type { PlannedNeighbour } from "../places.ts";
import { canonical } from "../places.ts";
import { type RouterPort, routerPortsOf, routersOf } from "../router-ports.ts";
import {
  customerDevice,
  leaveDevice,
  outsideSpace,
  routerSpace,
  transitGateway,
  transitMacs,
} from "./names.ts";
import type { OutsideOptions } from "./options.ts";
import { outsidesOf } from "./plan-outside.ts";
import { prefixesOf, routesOf } from "./plan-routes.ts";
import type {
  PlannedFloating,
  PlannedLeave,
  PlannedNeighbourOf,
  PlannedRouter,
  RoutingPlan,
} from "./planned.ts";
import { type Transits, transitAddress } from "./transits.ts";

export interface RoutingGiven {
  readonly networking: HostNetworking | null;
  /** Who is at which address of a bridge. */
  readonly neighbours: readonly PlannedNeighbour[];
  /** Ways outside that were found to work. */
  readonly outside: OutsideOptions;
  readonly transits: Transits;
}

export function routingPlan(given: RoutingGiven): RoutingPlan {
  const ports = Map.groupBy(routerPortsOf(given.networking), ({ routerId }) => routerId);
  const at = Map.groupBy(given.neighbours, ({ bridge }) => bridge);
  const pictures = routersOf(given.networking);
  const takes = firstOf(pictures);
  const routers = pictures.map((picture) =>
    plannedRouter(picture, ports.get(picture.id) ?? [], given, { at, takes }),
  );
  return { routers, outsides: outsidesOf(pictures, routers, given.outside) };
}

/** Of several routers that could have a floating address, the first has it. */
function firstOf(pictures: readonly RouterPicture[]): ReadonlyMap<string, RouterPicture> {
  const all = pictures.flatMap((picture) =>
    picture.floating.flatMap(({ address }) => {
      const key = canonical(address);
      return key === undefined ? [] : [[`${picture.outside?.physicalNetwork} ${key}`, picture] as const];
    }),
  );
  return new Map(all.toReversed());
}

interface Around {
  readonly at: ReadonlyMap<string, readonly PlannedNeighbour[]>;
  readonly takes: ReadonlyMap<string, RouterPicture>;
}

function plannedRouter(
  picture: RouterPicture,
  ports: readonly RouterPort[],
  { outside, transits }: RoutingGiven,
  { at, takes }: Around,
): PlannedRouter {
  const leave = leaveOf(picture, outside, transits);
  const routes = routesOf(picture, ports, leave !== null);
  const isTaken = (address: string) =>
    takes.get(`${picture.outside?.physicalNetwork} ${address}`) !== picture;
  return {
    space: routerSpace(picture.id),
    interfaces: ports.map(({ device, bridge, mac, address, range, mtuBytes }) => ({
      ...{ device, bridge, mac, mtuBytes, address: `${address}/${range.prefix}` },
    })),
    neighbours: [
      ...ports.flatMap((port) => neighboursOf(port, at.get(port.bridge) ?? [])),
      ...(leave === null ? [] : [{ device: leaveDevice, address: transitGateway, mac: transitMacs.outside }]),
    ],
    routes,
    prefixes: prefixesOf(routes),
    leave,
    floating: leave === null ? [] : floatingOf(picture, ports).filter(({ address }) => !isTaken(address)),
  };
}

/** Null: the router leads nowhere, or where this node has no way. */
function leaveOf(
  { id, outside }: RouterPicture,
  ways: OutsideOptions,
  { numbers }: Transits,
): PlannedLeave | null {
  const number = numbers[id];
  if (outside === null || number === undefined || !Object.hasOwn(ways, outside.physicalNetwork)) return null;
  const { physicalNetwork, mtuBytes, snat } = outside;
  const transit = transitAddress(number);
  return { space: outsideSpace(physicalNetwork), device: customerDevice(transit), transit, mtuBytes, snat };
}

const neighboursOf = (
  { device, range, address: own }: RouterPort,
  neighbours: readonly PlannedNeighbour[],
): readonly PlannedNeighbourOf[] =>
  neighbours.flatMap(({ address: text, mac }) => {
    const address = addressOf(text);
    const isBehind = address !== undefined && contains(range, address) && text !== own;
    return isBehind ? [{ device, address: text, mac }] : [];
  });

/** One floating address leads to one target, which is behind an interface. */
function floatingOf({ floating }: RouterPicture, ports: readonly RouterPort[]): readonly PlannedFloating[] {
  const found = new Map<string, PlannedFloating>();
  for (const { address: text, target: to } of floating) {
    const [address, target] = [addressOf(text), addressOf(to)];
    if (
      address?.version !== 4 ||
      target?.version !== 4 ||
      !ports.some(({ range }) => contains(range, target))
    )
      continue;
    const planned = { address: addressText(address), target: addressText(target) };
    if (!found.has(planned.address)) found.set(planned.address, planned);
  }
  return [...found.values()];
}
