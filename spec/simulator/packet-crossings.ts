/**
 * Packets that leave their network: to another one of a router, outside, and from outside to a floating
 * address. The switches of the computers route; the way outside is simulated here: a host answers for the
 * floating addresses that its picture has for guests of its own, and lends all others an address of its own.
 * It judges nothing.
 */
import type { PacketFact } from "../../actors/promises/network-facts.ts";
import { outside } from "../../actors/promises/packets.ts";
import { exitAddress } from "../../nodes/switch/routing/exit.ts";
import type { Arrival, Computers, Place } from "./packet-computers.ts";
import type { End, Ends } from "./packet-ends.ts";
import { isOfSix, runs } from "./packet-ends.ts";
import { frameOf } from "./packet-frames.ts";
import type { Fabric, Passing } from "./packets.ts";

/** Address of a caller outside. */
export const caller = "198.51.100.1";
/** An address of IPv6 outside, which no packet of a guest may reach. */
export const callerBySix = "2001:db8::1";
/** Of the host at this position, there. */
const ownAddress = (position: number): string => `198.51.100.${10 + position}`;

export interface Crossing {
  readonly fact: PacketFact;
  /** The guest that got it, and the MAC of the router from which it came. Undefined: no guest did. */
  readonly guest?: { readonly end: End; readonly gate: string } | undefined;
  /** The host and the router by which it has left, and the address that is seen. Undefined: it has not. */
  readonly left?: { readonly place: Place; readonly routerId: string; readonly seen: string } | undefined;
}

type Ports = readonly [number, number];

/** What a guest sends to a router. */
export interface Sending {
  readonly from: End;
  /** MAC of the router's interface. */
  readonly gate: string;
  readonly address: string;
  readonly ports: Ports;
  /** The guest that the packet is for. Absent: a caller outside. */
  readonly wished?: End | undefined;
}

/** What somebody outside sends. */
export interface Call {
  readonly source: string;
  readonly address: string;
  readonly ports: Ports;
}

export class Crossings {
  readonly #places: () => readonly Place[];
  readonly #computers: Computers;
  readonly #ends: Ends;

  constructor(places: () => readonly Place[], { computers, ends }: Fabric) {
    this.#places = places;
    this.#computers = computers;
    this.#ends = ends;
  }

  /** It comes to whoever has the address, and where no subnet has it, outside. */
  send(sending: Sending, about: Passing): Crossing {
    const { from, gate, address, ports, wished } = sending;
    const { atMs, forged } = about;
    const own = this.#computers.at(from.place, atMs);
    const frame = frameOf(from, { mac: gate, address }, { forged, ports });
    const arrived = this.#computers.carry(from.place, from.portId, frame, atMs);
    const flow = flowOf(from.address, address, ports);
    const isRuled = own.isRuled(from.portId);
    if (arrived?.leftBy !== undefined || (arrived === undefined && wished === undefined))
      return this.#leave({ from, gate, flow, isRuled }, arrived?.leftBy, about);
    const end = arrived === undefined ? wished : this.#endAt(arrived, isOfSix(address), atMs);
    const other = arrived?.computer ?? (wished && this.#computers.at(wished.place, atMs));
    const to = arrived?.portId ?? wished?.portId ?? "";
    const fact: PacketFact = {
      ...{ kind: "packet", from: from.portId, to, ...about, flow, way: { kind: "routed", gate } },
      delivered: arrived !== undefined,
      versions: [from.place, ...(end === undefined ? [] : [end.place])].map(versionOf),
      reach: own === other || (from.place.underlay !== null && (end?.place.underlay ?? null) !== null),
      ruled: isRuled && other?.isRuled(to) === true,
      heard: end !== undefined && runs(end),
    };
    return { fact, guest: arrived && guestOf(arrived, end) };
  }

  #leave(
    { from, gate, flow, isRuled }: Pick<Sending, "from" | "gate"> & LeavingFlow,
    leftBy: Arrival["leftBy"],
    about: Passing,
  ): Crossing {
    // Of two nodes of a computer that have the port plugged in, the one that knows more.
    const place = this.#places().find(({ machine }) => machine.name === leftBy?.node);
    const face = leftBy && place && faceOf(place, leftBy.routerId, from);
    const fact: PacketFact = {
      ...{ kind: "packet", from: from.portId, to: outside, ...about, flow },
      way: { kind: "leaves", gate, seen: face ?? null },
      ...{ delivered: face !== undefined, reach: true, ruled: isRuled, heard: true },
      versions: [from.place, ...(place === undefined ? [] : [place])].map(versionOf),
    };
    if (leftBy === undefined || place === undefined || face === undefined) return { fact };
    const seen = face ?? ownAddress(this.#places().indexOf(place));
    return { fact, left: { place, routerId: leftBy.routerId, seen } };
  }

  /** A call to a floating address comes to every host that answers for it: one of them at most should. */
  call(call: Call, about: Passing): readonly Crossing[] {
    const { address } = call;
    const all = this.#places().flatMap((place) => answeringAt(place, address));
    if (all.length > 0) return all.map((one) => this.#comeIn(call, one, about));
    const way = { kind: "comes", routerId: "", address } as const;
    const reach = this.#ends.isHeardAt(address);
    const nobody = { delivered: false, versions: [0], reach, ruled: false, heard: false };
    const flow = flowOf(call.source, address, call.ports);
    return [{ fact: { kind: "packet", from: outside, to: "", ...about, flow, way, ...nobody } }];
  }

  /** To a guest that has left with its host's address: the host knows whose answer it is. */
  answer({ place, routerId, seen }: Left, { end, ports }: Answered, about: Passing): Crossing {
    const to = { place, routerId, portId: end.portId, target: end.address, own: true };
    return this.#comeIn({ source: caller, address: seen, ports }, to, about);
  }

  #comeIn({ source, address, ports }: Call, answering: Answering, about: Passing): Crossing {
    const { place, routerId, portId, target, own = false } = answering;
    const { mac, routerMac } = exitAddress;
    const [from, to] = [
      { mac, address: source },
      { mac: routerMac, address: target },
    ];
    const frame = frameOf(from, to, { forged: null, ports });
    const arrived = this.#computers.enter(place, routerId, frame, about.atMs);
    const end = arrived && this.#endAt(arrived, false, about.atMs);
    const fact: PacketFact = {
      ...{ kind: "packet", from: outside, to: arrived?.portId ?? portId, ...about },
      flow: flowOf(source, own ? target : address, ports),
      way: { kind: "comes", routerId, address: own ? null : address },
      ...{ delivered: arrived !== undefined, versions: [versionOf(place)], reach: true },
      ruled: arrived?.computer.isRuled(arrived.portId) === true,
      heard: end !== undefined && runs(end),
    };
    return { fact, guest: arrived && guestOf(arrived, end) };
  }

  /** A guest that has moved may still be plugged in where it was. */
  #endAt({ portId, computer }: Arrival, isSix: boolean, atMs: number): End | undefined {
    const here = this.#ends
      .all()
      .filter((end) => end.portId === portId && isOfSix(end.address) === isSix)
      .filter((end) => this.#computers.at(end.place, atMs) === computer);
    return here.find(runs) ?? here[0];
  }
}

interface LeavingFlow {
  readonly flow: PacketFact["flow"];
  readonly isRuled: boolean;
}

export type Left = NonNullable<Crossing["left"]>;

interface Answered {
  readonly end: End;
  readonly ports: Ports;
}

interface Answering {
  readonly place: Place;
  readonly routerId: string;
  readonly portId: string;
  readonly target: string;
  /** It is an answer to the host's own address. */
  readonly own?: boolean;
}

/** By its picture a host answers, for a guest that it has plugged in. */
function answeringAt(place: Place, address: string): readonly Answering[] {
  const { applied, plugged, carries } = place.machine.world.ports;
  const told = (applied?.networks ?? []).flatMap(({ ports }) => ports);
  const isHere = (portId: string) =>
    plugged.get(portId)?.instanceId === told.find(({ id }) => id === portId)?.instanceId;
  return (applied?.routers ?? []).flatMap(({ id: routerId, floating }) =>
    floating
      .filter((one) => carries && one.address === address && plugged.has(one.portId) && isHere(one.portId))
      .map(({ portId, target }) => ({ place, routerId, portId, target })),
  );
}

/** As what a guest is seen outside. Null: as its host; undefined: it is not to be seen. */
function faceOf(
  { machine }: Place,
  routerId: string,
  { portId, address }: Pick<End, "portId" | "address">,
): string | null | undefined {
  const { applied } = machine.world.ports;
  const router = applied?.routers?.find(({ id }) => id === routerId);
  const its = router?.floating.find((one) => one.portId === portId && one.target === address);
  if (its !== undefined) return its.address;
  return router?.outside?.snat === true ? null : undefined;
}

function guestOf({ frame }: Arrival, end: End | undefined): Crossing["guest"] {
  const gate = frame.toString("hex", 6, 12).match(/../g)?.join(":") ?? "";
  return end && { end, gate };
}

const versionOf = ({ machine }: Place): number => machine.world.ports.applied?.version ?? 0;

const flowOf = (
  source: string,
  destination: string,
  [sourcePort, destinationPort]: Ports,
): PacketFact["flow"] => ({
  ...{ source, destination, sourcePort, destinationPort },
});
