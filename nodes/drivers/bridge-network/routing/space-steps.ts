/**
 * The commands that lead from what is in a namespace to what is to be there; none, when both are the same.
 * Devices that are missing are told, for whoever makes them from outside. Pure.
 */
import type { SeenSpaceLink, SpaceSeen } from "./space-seen.ts";
import { floatingTable, type SpaceState, type WantedLink, type WantedRoute } from "./space-state.ts";

export interface SpaceSteps {
  /** Devices that are not there, or are of another kind. */
  readonly missing: readonly WantedLink[];
  /** Lines for `ip -batch`. */
  readonly lines: readonly string[];
}

export const isSettled = ({ missing, lines }: SpaceSteps): boolean => missing.length + lines.length === 0;

/** Those of routers and ways outside; whatever else is there is nobody's to name. */
const isOwn = (name: string): boolean => /^(?:nv[roe][0-9a-f]+|out0)$/.test(name);

export function spaceSteps(wanted: SpaceState, seen: SpaceSeen): SpaceSteps {
  const there = new Map(seen.links.map((link) => [link.name, link]));
  const planned = new Set(wanted.links.map(({ name }) => name));
  const missing = wanted.links.filter((link) => !isMade(there.get(link.name), link));
  const gone = seen.links.filter(({ name }) => isOwn(name) && !planned.has(name));
  const lost = new Set([...gone, ...missing].map(({ name }) => name));
  return {
    missing,
    lines: [
      ...gone.map(({ name }) => `link del dev ${name}`),
      ...wanted.links.flatMap((link) => linkLines(link, there.get(link.name))),
      ...addressLines(wanted, seen, lost),
      ...ruleLines(wanted, seen),
      ...entryLines(wanted, seen, lost),
      ...routeLines(wanted, seen, lost),
    ],
  };
}

const isMade = (link: SeenSpaceLink | undefined, { kind, alias }: WantedLink): boolean =>
  link?.kind === kind && (alias === null || link.alias === alias);

/** Whoever makes a device gives it its MAC address and alias; none of it is up before the rest is right. */
function linkLines(wanted: WantedLink, link: SeenSpaceLink | undefined): readonly string[] {
  if (!isMade(link, wanted) || link === undefined) return [];
  const { name, mac, mtuBytes, asks } = wanted;
  const words = [
    ...(link.asks === asks ? [] : [`arp ${asks ? "on" : "off"}`]),
    ...(link.mac === mac ? [] : [`address ${mac}`]),
    ...(mtuBytes === null || link.mtuBytes === mtuBytes ? [] : [`mtu ${mtuBytes}`]),
    ...(link.isUp ? [] : ["up"]),
  ];
  return [
    ...(link.speaks ? [`link set dev ${name} addrgenmode none`] : []),
    ...(words.length === 0 ? [] : [`link set dev ${name} ${words.join(" ")}`]),
  ];
}

type Lost = ReadonlySet<string>;

/** The first address of a device is the one by which it speaks: the plan's order is kept where it is made. */
function addressLines(wanted: SpaceState, seen: SpaceSeen, lost: Lost): readonly string[] {
  const keyOf = ({ device, address }: { device: string; address: string }) => `${device} ${address}`;
  const known = new Set(seen.addresses.map(keyOf));
  const kept = new Set(wanted.addresses.map(keyOf));
  const gone = seen.addresses.filter(
    (one) => isOwn(one.device) && !kept.has(keyOf(one)) && !lost.has(one.device),
  );
  const made = wanted.addresses.filter((one) => !known.has(keyOf(one)) && !lost.has(one.device));
  return [
    ...gone.map(({ device, address }) => `addr del ${address} dev ${device}`),
    ...made.map(
      ({ device, address }) =>
        `addr add ${address} dev ${device} noprefixroute${address.includes(":") ? " nodad" : ""}`,
    ),
  ];
}

/** New ones first: there is always one for the namespace's own addresses. */
function ruleLines({ rules }: SpaceState, seen: SpaceSeen): readonly string[] {
  const line = (verb: string, rule: string) => {
    const [priority, table] = rule.split(" ");
    return `rule ${verb} pref ${priority} lookup ${table}`;
  };
  return [
    ...rules.filter((rule) => !seen.rules.includes(rule)).map((rule) => line("add", rule)),
    ...seen.rules.filter((rule) => !rules.includes(rule)).map((rule) => line("del", rule)),
  ];
}

function entryLines(wanted: SpaceState, seen: SpaceSeen, lost: Lost): readonly string[] {
  const keyOf = ({ device, address }: { device: string; address: string }) => `${device} ${address}`;
  const known = new Map(seen.neighbours.map((one) => [keyOf(one), one.mac]));
  const kept = new Set(wanted.neighbours.map(keyOf));
  const proxies = { seen: new Set(seen.proxies.map(keyOf)), kept: new Set(wanted.proxies.map(keyOf)) };
  const isOurs = ({ device }: { device: string }) => isOwn(device) && !lost.has(device);
  return [
    ...seen.neighbours
      .filter((one) => isOurs(one) && !kept.has(keyOf(one)))
      .map(({ device, address }) => `neigh del ${address} dev ${device}`),
    ...wanted.neighbours
      .filter((one) => known.get(keyOf(one)) !== one.mac && !lost.has(one.device))
      .map(
        ({ device, address, mac }) => `neigh replace ${address} lladdr ${mac} dev ${device} nud permanent`,
      ),
    ...seen.proxies
      .filter((one) => isOurs(one) && !proxies.kept.has(keyOf(one)))
      .map(({ device, address }) => `neigh del proxy ${address} dev ${device}`),
    ...wanted.proxies
      .filter((one) => !proxies.seen.has(keyOf(one)) && !lost.has(one.device))
      .map(({ device, address }) => `neigh add proxy ${address} dev ${device}`),
  ];
}

/** What is put in another's place replaces it, without a moment in which a packet finds none of them. */
function routeLines(wanted: SpaceState, seen: SpaceSeen, lost: Lost): readonly string[] {
  const keyOf = ({ table, destination, via, device }: WantedRoute) =>
    [table, destination, via, device].join(" ");
  const placeOf = ({ table, destination }: WantedRoute) => `${table} ${destination}`;
  const known = new Set(seen.routes.map(keyOf));
  const kept = new Set(wanted.routes.map(placeOf));
  const isLost = ({ device }: WantedRoute) => device !== null && lost.has(device);
  return [
    ...seen.routes
      .filter((one) => !kept.has(placeOf(one)) && !isLost(one))
      .map((one) => `route del ${target(one)}`),
    ...wanted.routes
      .filter((one) => !known.has(keyOf(one)) && !isLost(one))
      .map((one) => `route replace ${line(one)}`),
  ];
}

const target = ({ table, destination, device }: WantedRoute): string =>
  `${device === null ? "unreachable " : ""}${destination}${table === floatingTable ? ` table ${table}` : ""}`;

/** The next hop need not be in a range of the device: it is behind it. */
function line(route: WantedRoute): string {
  const { device, via } = route;
  if (device === null) return target(route);
  const [what = "", ...rest] = target(route).split(" ");
  const hop = via === null ? "" : ` via ${via}`;
  const tail = rest.length === 0 ? "" : ` ${rest.join(" ")}`;
  return `${what}${hop} dev ${device}${via === null ? "" : " onlink"}${tail}`;
}
