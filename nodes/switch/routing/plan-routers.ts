/**
 * The routers of a picture made ready for frames: who has which address on which network, and which way leads
 * where. A router is the same on every computer; nothing of it is learned from frames. Pure.
 */
import { cidrOf } from "../../../protocol/address.ts";
import type { RouterPicture } from "../../../protocol/networking.ts";
import { addressDigits } from "../filter/address-set.ts";
import { macDigits } from "../frames/ethernet.ts";
import { linkLocalOf } from "../frames/neighbour.ts";
import type { DraftNetwork, Gate, PlannedNetwork, PlannedPort, PlannedRouter, Route } from "../planned.ts";
import type { SwitchExit } from "../state.ts";
import { exitAddress, exitMtuBytesMax } from "./exit.ts";

export interface Surroundings {
  readonly networks: ReadonlyMap<string, DraftNetwork>;
  /** By subnet. */
  readonly ranges: ReadonlyMap<string, string>;
  readonly exits: readonly SwitchExit[];
}

/** Answers the ports of their exits. Nobody else has the MAC or the address of a router. */
export function addRouters(pictures: readonly RouterPicture[], around: Surroundings): readonly PlannedPort[] {
  return pictures.flatMap((picture) => {
    const [gates, exits] = [new Map<string, Gate>(), new Map<string, PlannedPort>()];
    const routes: Route[] = [];
    const { id, outside: to } = picture;
    const mtuBytes = Math.min(to?.mtuBytes ?? 0, exitMtuBytesMax);
    const outside = to === null ? undefined : { mtuBytes, snat: to.snat, exits };
    const router: PlannedRouter = { id, gates, routes, outside };
    for (const { gate, range } of gatesOf(picture, router, around)) {
      gates.set(gate.address, gate);
      routes.push(...range.map((one) => ({ ...one, gate, nextHop: undefined })));
    }
    routes.push(...staticRoutes(picture, [...routes]));
    // Sorting keeps the order of those with one prefix: the router's own subnets are before the others.
    routes.sort((one, other) => other.prefix - one.prefix);
    const own = outside === undefined ? [] : around.exits.filter(({ routerId }) => routerId === id);
    for (const exit of own) exits.set(exit.node, exitPort(exit, router, mtuBytes));
    return [...exits.values()];
  });
}

/** Each takes its place in its network. */
function gatesOf(picture: RouterPicture, router: PlannedRouter, { networks, ranges }: Surroundings) {
  return picture.interfaces.flatMap(({ networkId, mac: text, subnetId, address: its }) => {
    const network = networks.get(networkId);
    const [mac, address] = [macDigits(text), addressDigits(its)];
    if (network === undefined || address === undefined) return [];
    const gate: Gate = { router, network, mac, address };
    network.gates.set(mac, gate);
    network.byMac.delete(mac);
    // A router advertises by its link-local address, by which guests then look for the MAC.
    for (const one of address.length === 32 ? [address, linkLocalOf(mac)] : [address]) {
      network.gatesByAddress.set(one, gate);
      network.byAddress.set(one, mac);
    }
    return [{ gate, range: rangeOf(ranges.get(subnetId) ?? "") }];
  });
}

/** Those whose next hop is in none of the router's subnets lead nowhere. */
function staticRoutes({ routes }: RouterPicture, own: readonly Route[]): readonly Route[] {
  return routes.flatMap(({ destination, nextHop: text }) => {
    const nextHop = addressDigits(text);
    const through = nextHop === undefined ? undefined : own.find((route) => holds(route, nextHop));
    if (through === undefined) return [];
    const ranges = rangeOf(destination).filter(({ first }) => first.length === nextHop?.length);
    return ranges.map((range) => ({ ...range, gate: through.gate, nextHop }));
  });
}

function rangeOf(cidr: string): readonly Pick<Route, "first" | "last" | "prefix">[] {
  const range = cidrOf(cidr);
  if (range === undefined) return [];
  const digits = range.version === 4 ? 8 : 32;
  const [first = "", last = ""] = [range.first, range.last].map((one) =>
    one.toString(16).padStart(digits, "0"),
  );
  return [{ first, last, prefix: range.prefix }];
}

export const holds = ({ first, last }: Pick<Route, "first" | "last">, address: string): boolean =>
  address.length === first.length && address >= first && address <= last;

/** No VXLAN has it, so that no connection outside is mistaken for one between networks. */
const outsideNumber = 0;
const noRules = { egress: [], ingress: [] };

function exitPort({ id, node }: SwitchExit, router: PlannedRouter, mtuBytes: number): PlannedPort {
  const maps = { byMac: new Map(), byAddress: new Map(), gates: new Map(), gatesByAddress: new Map() };
  const network: PlannedNetwork = { id: router.id, number: outsideNumber, mtuBytes, gateways: [], ...maps };
  return {
    ...{ portId: id, network, mac: exitAddress.mac, isFiltered: false, sources: new Map(), rules: noRules },
    ...{ lease: undefined, host: undefined, underlay: undefined, node, leadsOut: router },
  };
}
