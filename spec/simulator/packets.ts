/**
 * Packets between simulated guests, carried by the real switch's decisions over the pictures that hosts have
 * applied: one switch for each computer. Guests are hostile now and then, and forge what they send; what was
 * answered goes on. What the switches say of a packet is judged by what was intended
 * (actors/promises/packets.ts), never by itself.
 */
import type { Fact, PacketFact, PacketFlow } from "../../actors/promises/facts.ts";
import { Computers, type Place } from "./packet-computers.ts";
import { frameOf } from "./packet-frames.ts";
import type { Random } from "./random.ts";

/** A port that a guest is plugged into, as its guest knows it. */
export interface End {
  readonly portId: string;
  readonly networkId: string;
  readonly instanceId: string;
  readonly mac: string;
  /** Of IPv4. */
  readonly address: string;
  readonly place: Place;
}

type Forged = NonNullable<PacketFact["forged"]>;
const forgeries: readonly Forged[] = ["mac", "address", "arp", "dhcpServer", "router", "vlan"];

/** Ports of UDP: rules of the simulated clients name all but the last. */
const portsOfServers = [0, 1, 2, 3, 4, 22];

/** Packets that are sent again, and connections that go on: the newest. */
const keptMax = 12;
/** Connections of one guest at a time. */
const againMax = 3;

/** What a guest may send again. */
interface Sent {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly forged: Forged | null;
}

type Connection = NonNullable<PacketFact["connection"]>;
type Passing = Pick<PacketFact, "atMs" | "forged" | "isLast" | "isAnswer" | "connection">;

export class Packets {
  readonly #places: () => readonly Place[];
  readonly #computers: Computers;
  readonly #random: Random;
  /** Of IPv4, by port, as rows have them. */
  readonly #addresses = new Map<string, string>();
  #flows = 0;
  #sent: readonly Sent[] = [];
  #open: readonly Connection[] = [];

  constructor(places: () => readonly Place[], random: Random) {
    this.#places = places;
    this.#computers = new Computers(places);
    this.#random = random;
  }

  /** Learns which address a port has: a guest may know it before its host has a picture. */
  see(fact: Fact): void {
    if (fact.kind !== "committed" || fact.result.kind !== "committed") return;
    for (const change of fact.commit.rows ?? []) {
      if (change.resource.table !== "address" || !("made" in change)) continue;
      const { portId, name } = { ...change.made } as { readonly portId?: string; readonly name: string };
      if (portId !== undefined && !name.includes(":")) this.#addresses.set(portId, name);
    }
  }

  /** One packet of a guest that runs to any other, forged perhaps, and its answer; and what goes on. */
  some(atMs: number): readonly PacketFact[] {
    const ends = this.#ends();
    const from = this.#random.pick(ends.filter(runs));
    const to = this.#random.pick(ends.filter(({ portId }) => portId !== from?.portId));
    if (from === undefined || to === undefined) return [];
    const forged = this.#random.chance(0.3) ? (this.#random.pick(forgeries) ?? null) : null;
    const port = this.#random.pick(portsOfServers) ?? 22;
    this.#sent = [...this.#sent, { from: from.portId, to: to.portId, port, forged }].slice(-keptMax);
    return [
      ...this.#exchange(from, to, port, { atMs, forged, isLast: false }),
      ...this.again(atMs),
      ...this.#goOn(
        atMs,
        [this.#random.pick(this.#open)].filter((one) => one !== undefined),
      ),
    ];
  }

  /** What was sent before, sent again, as something new. */
  again(atMs: number): readonly PacketFact[] {
    const ends = this.#ends().filter(runs);
    const some = this.#sent.slice(-againMax);
    return some.flatMap(({ from, to, port, forged }) => {
      const [sender, receiver] = [from, to].map((id) => ends.find(({ portId }) => portId === id));
      if (sender === undefined || receiver === undefined) return [];
      return this.#exchange(sender, receiver, port, { atMs, forged, isLast: false });
    });
  }

  /** The first words of a guest whose CPU has just begun, and a first one to it. */
  first(instanceId: string, atMs: number): readonly PacketFact[] {
    const ends = this.#ends().filter(runs);
    const [own, others] = [
      ends.filter((end) => end.instanceId === instanceId),
      ends.filter((end) => end.instanceId !== instanceId),
    ];
    return own.flatMap((end) => {
      const other = this.#random.pick(others.filter(({ networkId }) => networkId === end.networkId));
      const port = this.#random.pick(portsOfServers) ?? 22;
      if (other === undefined) return [];
      const packet = { atMs, forged: null, isLast: false };
      return [...this.#exchange(end, other, port, packet), ...this.#exchange(other, end, port, packet)];
    });
  }

  /** Connections that were answered once go on, in both directions. */
  goingOn(atMs: number): readonly PacketFact[] {
    return this.#goOn(atMs, this.#open);
  }

  #goOn(atMs: number, connections: readonly Connection[]): readonly PacketFact[] {
    const ends = this.#ends().filter(runs);
    return connections.flatMap((connection) => {
      const [from, to] = [endOf(ends, connection, "from"), endOf(ends, connection, "to")];
      if (from === undefined || to === undefined) return [];
      const passing = { atMs, forged: null, isLast: false, isAnswer: false, connection };
      const { sourcePort, destinationPort } = connection.flow;
      const there = this.#carry(from, to, [sourcePort, destinationPort], passing);
      return [there.fact, this.#carry(to, from, [destinationPort, sourcePort], passing).fact];
    });
  }

  /** One packet between each two guests that run, when nothing moves any more. */
  all(atMs: number, most: number): readonly PacketFact[] {
    const ends = this.#ends().filter(runs);
    const pairs = ends.flatMap((from) => ends.flatMap((to) => (from === to ? [] : [{ from, to }])));
    return pairs.slice(0, most).flatMap(({ from, to }) => {
      const port = this.#random.pick(portsOfServers) ?? 22;
      return this.#exchange(from, to, port, { atMs, forged: null, isLast: true });
    });
  }

  #exchange(from: End, to: End, port: number, packet: Pick<Passing, "atMs" | "forged" | "isLast">) {
    this.#flows += 1;
    const source = 20_000 + (this.#flows % 40_000);
    const { fact, isThere } = this.#carry(from, to, [source, port], { ...packet, isAnswer: false });
    // A guest that has moved may still be plugged in where it was: that one has it, and does not answer.
    if (!fact.delivered || !isThere || packet.forged !== null) return [fact];
    const answer = this.#carry(to, from, [port, source], { ...packet, isAnswer: true }).fact;
    const connection = { from: fact.from, to: fact.to, flow: fact.flow };
    if (answer.delivered && runs(to)) this.#open = [...this.#open, connection].slice(-keptMax);
    return [fact, answer];
  }

  #carry(from: End, to: End, ports: readonly [number, number], about: Passing) {
    const { atMs, forged } = about;
    const frame = frameOf(from, to, { forged, ports });
    const [own, other] = [this.#computers.at(from.place, atMs), this.#computers.at(to.place, atMs)];
    const arrived = this.#computers.carry(from.place, from.portId, frame, atMs);
    const fact: PacketFact = {
      ...{ kind: "packet", from: from.portId, to: to.portId, ...about, flow: flowOf(from, to, ports) },
      delivered: arrived?.portId === to.portId,
      versions: [from.place, to.place].map(({ machine: { world } }) => world.ports.applied?.version ?? 0),
      reach: own === other || (from.place.underlay !== null && to.place.underlay !== null),
      ruled: own.isRuled(from.portId) && (arrived?.computer ?? other).isRuled(to.portId),
      heard: runs(to),
    };
    return { fact, isThere: arrived?.computer === other };
  }

  /** A guest knows the address that it was told by its host's picture, or else by its owner. */
  #ends(): readonly End[] {
    return this.#places().flatMap((place) => {
      const { applied, plugged } = place.machine.world.ports;
      const told = (applied?.networks ?? []).flatMap(({ ports }) => ports);
      return [...plugged.values()].flatMap(({ portId, networkId, instanceId, mac }) => {
        const port = told.find(({ id }) => id === portId);
        const said = port?.addresses.find((one) => !one.address.includes(":"))?.address;
        const address = said ?? this.#addresses.get(portId);
        return address === undefined ? [] : { portId, networkId, instanceId, mac, address, place };
      });
    });
  }
}

/** Until the guest's address changes. */
function endOf(ends: readonly End[], { flow, ...ids }: Connection, which: "from" | "to"): End | undefined {
  const address = which === "from" ? flow.source : flow.destination;
  return ends.find((end) => end.portId === ids[which] && end.address === address);
}

const flowOf = (
  from: End,
  to: End,
  [sourcePort, destinationPort]: readonly [number, number],
): PacketFlow => ({
  ...{ source: from.address, destination: to.address, sourcePort, destinationPort },
});

const runs = ({ instanceId, place }: End): boolean => place.machine.world.canWrite(instanceId);
