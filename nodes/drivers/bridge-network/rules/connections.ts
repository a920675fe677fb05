/**
 * Which connections of the kernel's table the rules have stopped to allow. The rules are asked as the switch
 * of the driver `user` asks them, so that both end the same connections, and no other: one that is still
 * allowed must go on, for its next packet may be from the end that may not begin any. Pure.
 */

import type { PortPicture } from "../../../../protocol/networking.ts";
import { AddressSet, addressDigits } from "../../../switch/filter/address-set.ts";
import { allows, type PortRules, RuleBook } from "../../../switch/filter/rules.ts";
import { type Carried, type Flow, protocols } from "../../../switch/frames/flow.ts";
import { devicePrefixes, tapName, vxlanName } from "../device-names.ts";
import { routerPortsOf } from "../router-ports.ts";
import { revokedName, revokedSeconds } from "./fixed-chains.ts";
import { kept } from "./kept.ts";
import type { Ledger } from "./ledger.ts";
import { ruleLimits } from "./limits.ts";
import type { LivingElement } from "./read-back.ts";
import { ruledPorts, type Wanted } from "./ruled-ports.ts";
import { sourcesOf } from "./sources.ts";

/** As `conntrack -L` has it, in the direction of its first packet. */
export interface Connection {
  readonly zone: number;
  readonly version: 4 | 6;
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  /** 0: it has none. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Null: it is no ICMP. */
  readonly icmp: { readonly type: number; readonly code: number } | null;
}

/** Lines of other kinds are left out. */
export const readConnections = (text: string): readonly Connection[] =>
  text.split("\n").flatMap((line) => readLine(line) ?? []);

function readLine(line: string): Connection | undefined {
  const [, protocol] = /^\S+\s+(\d+) /.exec(line) ?? [];
  // The first of each is of the first packet, and the second of its answers.
  const first = (name: string) => new RegExp(` ${name}=(\\S+)`).exec(line)?.[1];
  const [source, destination] = [first("src"), first("dst")];
  if (protocol === undefined || source === undefined || destination === undefined) return undefined;
  const [type, code] = [first("type"), first("code")];
  return {
    ...{
      zone: Number(first("zone") ?? 0),
      version: source.includes(":") ? 6 : 4,
      protocol: Number(protocol),
    },
    ...{ source, destination },
    ...{ sourcePort: Number(first("sport") ?? 0), destinationPort: Number(first("dport") ?? 0) },
    icmp: type === undefined ? null : { type: Number(type), code: Number(code ?? 0) },
  };
}

interface JudgedPort {
  readonly tap: string;
  readonly isFiltered: boolean;
  readonly own: AddressSet;
  readonly sources: AddressSet;
  readonly rules: PortRules;
}

interface JudgedZone {
  /** Devices by which frames of others come: of other hosts, and of routers. */
  readonly doors: readonly string[];
  readonly ports: readonly JudgedPort[];
  /** By the digits of an address: the ports that may have it; those of an address that only one has. */
  readonly known: Map<string, readonly JudgedPort[]>;
}

type Standing = "allowed" | "denied" | "gone";

const addressSets = kept((port: PortPicture) => ({
  own: new AddressSet(port.addresses.map(({ address }) => address)),
  sources: new AddressSet([...sourcesOf(port).values()].flat()),
}));

/** The rules of one picture, made ready to be asked about connections. */
export class ConnectionJudge {
  readonly #zones: ReadonlyMap<number, JudgedZone>;

  constructor(wanted: Wanted, ledger: Ledger) {
    const book = new RuleBook(wanted.networking?.groups ?? []);
    const zones = new Map<number, JudgedZone & { readonly ports: JudgedPort[] }>();
    const routers = routerPortsOf(wanted.networking);
    for (const { port, network } of ruledPorts(wanted)) {
      const number = ledger.zones[network.id];
      if (number === undefined) continue;
      const ofRouters = routers.flatMap((one) => (one.networkId === network.id ? [one.device] : []));
      const doors = [vxlanName(network.id), ...ofRouters];
      const zone = zones.get(number) ?? { doors, ports: [] as JudgedPort[], known: new Map() };
      zones.set(number, zone);
      zone.ports.push({
        ...{ tap: tapName(port.id), isFiltered: port.portSecurity, rules: book.of(port.groupIds) },
        ...addressSets(port),
      });
    }
    this.#zones = zones;
  }

  /** `gone`: no port of this host is at either end any more. */
  standing(connection: Connection): Standing {
    const [zone, carried] = [this.#zones.get(connection.zone), carriedOf(connection)];
    if (zone === undefined || carried === undefined) return "gone";
    const { source, destination } = carried.flow;
    const [from, to] = [portsOf(zone, source), portsOf(zone, destination)];
    if (from.length + to.length === 0) return "gone";
    const isAllowed =
      from.every((port) => !port.isFiltered || allows(port.rules.egress, carried, destination)) &&
      to.every((port) => !port.isFiltered || allows(port.rules.ingress, carried, source));
    return isAllowed ? "allowed" : "denied";
  }

  /** Whether a connection that was revoked is allowed now. */
  isAgain({ device, connection }: Remembered): boolean {
    const found = [...this.#zones].find(
      ([, { doors, ports }]) => doors.includes(device) || ports.some(({ tap }) => tap === device),
    );
    if (found === undefined) return true;
    return this.standing({ ...connection, zone: found[0] }) !== "denied";
  }

  /** The devices by which packets of the connection come in: of who began it, and of who was called. */
  devicesOf(connection: Connection): readonly (readonly [string, string])[] {
    const [zone, carried] = [this.#zones.get(connection.zone), carriedOf(connection)];
    if (zone === undefined || carried === undefined) return [];
    const namesOf = (address: string) => {
      const taps = portsOf(zone, address).map(({ tap }) => tap);
      return taps.length === 0 ? zone.doors : taps;
    };
    const [callers, called] = [namesOf(carried.flow.source), namesOf(carried.flow.destination)];
    return callers.flatMap((one) => called.map((other) => [one, other] as const));
  }
}

/** The port with this address; where no port has it, all ports that may send from it. */
function portsOf({ ports, known }: JudgedZone, address: string): readonly JudgedPort[] {
  const before = known.get(address);
  if (before !== undefined) return before;
  const own = ports.filter((port) => port.own.has(address));
  const found = own.length > 0 ? own : ports.filter((port) => port.sources.has(address));
  known.set(address, found);
  return found;
}

function carriedOf(connection: Connection): Carried | undefined {
  const { version, protocol, sourcePort, destinationPort, icmp } = connection;
  const [source, destination] = [addressDigits(connection.source), addressDigits(connection.destination)];
  if (source === undefined || destination === undefined) return undefined;
  const flow: Flow = { version, protocol, source, destination, sourcePort, destinationPort };
  return { flow, tcpFlags: 0, icmp: icmp === null ? null : { ...icmp, about: null } };
}

export interface Judges {
  /** Null: nobody knows what was allowed before. */
  readonly before: ConnectionJudge | null;
  readonly after: ConnectionJudge;
}

/** What of these the rules do not allow any more. */
export const revokedOf = (
  connections: readonly Connection[],
  { before, after }: Judges,
): readonly Connection[] =>
  connections.filter((one) => {
    const standing = after.standing(one);
    if (standing !== "allowed" || one.protocol !== protocols.tcp || before === null)
      return standing !== "allowed";
    // One that was found in its middle may have been begun by the other end (nodes/switch/filter/judge.ts).
    const back = turned(one);
    return before.standing(back) === "allowed" && after.standing(back) === "denied";
  });

const turned = (one: Connection): Connection => ({
  ...one,
  ...{ source: one.destination, destination: one.source },
  ...{ sourcePort: one.destinationPort, destinationPort: one.sourcePort },
});

const named = new Map<number, string>([
  [protocols.tcp, "tcp"],
  [protocols.udp, "udp"],
  [protocols.sctp, "sctp"],
]);

/** Whether a protocol's connections are told apart by ports: then the kernel can remember them. */
export const hasPorts = ({ protocol }: Pick<Connection, "protocol">): boolean => named.has(protocol);

/** As `conntrack -p` has it. */
export const protocolName = (protocol: number): string => named.get(protocol) ?? `${protocol}`;

/** Revoked connections: those that sets of the kernel remember, and those that have to be ended at once. */
export interface Remembering {
  /** Elements of the sets of revoked connections, by set. */
  readonly sets: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Connections that no set remembers: the set is full, or the protocol has no ports. */
  readonly left: readonly Connection[];
}

const { revokedPerPortMax, revokedTunnelSharesMax } = ruleLimits;

/**
 * How revoked connections are remembered: whoever was called goes on with what it has to say, as it may to
 * anybody, and would seem to begin a connection of its own. `known`: what the kernel remembers already.
 */
export function remembering(
  revoked: readonly Connection[],
  judge: ConnectionJudge,
  known: readonly Remembered[] = [],
): Remembering {
  const sets = new Map<string, Map<string, string>>();
  const there = new Set(known.map(({ set, key }) => `${set} ${key}`));
  const counts = new Map<string, number>();
  const count = (set: string, device: string) =>
    counts.set(`${set} ${device}`, (counts.get(`${set} ${device}`) ?? 0) + 1);
  for (const { set, device } of known) count(set, device);
  const isFull = (set: string, device: string) =>
    (counts.get(`${set} ${device}`) ?? 0) >=
    revokedPerPortMax * (device.startsWith(devicePrefixes.vxlan) ? revokedTunnelSharesMax : 1);
  const left: Connection[] = [];
  for (const one of revoked) {
    if (judge.standing(one) === "gone") continue;
    const ends = hasPorts(one) ? endsOf(one, judge) : undefined;
    const set = revokedName(protocolName(one.protocol), one.version);
    if (ends === undefined || ends.some(({ device }) => isFull(set, device))) {
      left.push(one);
      continue;
    }
    const elements = sets.get(set) ?? new Map<string, string>();
    sets.set(set, elements);
    for (const { device, key, comment } of ends) {
      if (there.has(`${set} ${key}`)) continue;
      elements.set(`${key} timeout ${revokedSeconds(one.protocol)}s${comment}`, "");
      count(set, device);
    }
  }
  return { sets, left };
}

const endsOf = (one: Connection, judge: ConnectionJudge) =>
  judge.devicesOf(one).flatMap(([from, to]) => [
    { device: from, key: keyOf(from, one), comment: "" },
    { device: to, key: keyOf(to, turned(one)), comment: ` ${ofAnswers}` },
  ]);

/** Marks the elements of packets that the called port sends. */
const ofAnswers = 'comment "answers"';

const keyOf = (device: string, { source, destination, sourcePort, destinationPort }: Connection): string =>
  [`"${device}"`, source, destination, sourcePort, destinationPort].join(" . ");

/** A connection that a set of revoked ones remembers, in one of its directions. */
export interface Remembered {
  readonly set: string;
  readonly key: string;
  /** Follows the element's key and time. */
  readonly comment: string;
  readonly device: string;
  /** In the direction of its first packet; its zone is not known. */
  readonly connection: Connection;
}

export const readRemembered = (elements: readonly LivingElement[]): readonly Remembered[] =>
  elements.flatMap(({ set, parts, comment }) => {
    const [, name = "", version] = /^revoked_([a-z]+)([46])$/.exec(set) ?? [];
    const protocol = [...named].find(([, one]) => one === name)?.[0];
    if (protocol === undefined) return [];
    const [device = "", source = "", destination = "", from, to] = parts.map(String);
    const connection: Connection = {
      ...{ version: version === "6" ? 6 : 4, protocol, source, destination },
      ...{ sourcePort: Number(from), destinationPort: Number(to), icmp: null, zone: 0 },
    };
    const isOfAnswers = comment === "answers";
    return [
      {
        ...{ set, key: keyOf(device, connection), device, comment: isOfAnswers ? ofAnswers : "" },
        connection: isOfAnswers ? turned(connection) : connection,
      },
    ];
  });
