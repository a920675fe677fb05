/**
 * Packets between simulated guests, carried by the real switch's decisions over the pictures that hosts have
 * applied: one switch for each computer. Guests are hostile now and then, and forge what they send; what was
 * answered goes on. What the switches say of a packet is judged by what was intended
 * (actors/promises/packets.ts), never by itself.
 */
import type { PacketFact, PacketFlow } from "../../actors/promises/network-facts.ts";
import type { Computers } from "./packet-computers.ts";
import { type End, type Ends, isOfSix, runs } from "./packet-ends.ts";
import { frameOf } from "./packet-frames.ts";
import type { Random } from "./random.ts";

type Forged = NonNullable<PacketFact["forged"]>;
export const forgeries: readonly Forged[] = ["mac", "address", "arp", "dhcpServer", "router", "vlan"];

/** Ports of UDP: rules of the simulated clients name all but the last. */
export const portsOfServers = [0, 1, 2, 3, 4, 22];

/** Packets that are sent again, and connections that go on: the newest. */
const keptMax = 12;
/** Connections of one guest at a time. */
const againMax = 3;

/** What a guest may send again. */
interface Sent {
  readonly from: string;
  readonly to: string;
  readonly isSix: boolean;
  readonly port: number;
  readonly forged: Forged | null;
}

export type Connection = NonNullable<PacketFact["connection"]>;
export type Passing = Pick<PacketFact, "atMs" | "forged" | "isLast" | "isAnswer" | "connection">;

/** Switches of computers, and ports of guests. */
export interface Fabric {
  readonly computers: Computers;
  readonly ends: Ends;
}

/** Who sends packets, and when it is asked to (traffic.ts). */
export interface Senders {
  /** A few, of any kind. */
  some(atMs: number): readonly PacketFact[];
  /** What was sent before, sent again, as something new. */
  again(atMs: number): readonly PacketFact[];
  /** The first words of a guest whose CPU has just begun, and a first one to it. */
  first(instanceId: string, atMs: number): readonly PacketFact[];
  /** Connections that were answered once go on, in both directions. */
  goingOn(atMs: number): readonly PacketFact[];
  /** All that can be sent, when nothing moves any more. */
  all(atMs: number, most: number): readonly PacketFact[];
}

export class Packets implements Senders {
  readonly #fabric: Fabric;
  readonly #random: Random;
  #flows = 0;
  #sent: readonly Sent[] = [];
  #open: readonly Connection[] = [];

  constructor(fabric: Fabric, random: Random) {
    this.#fabric = fabric;
    this.#random = random;
  }

  /** One packet of a guest that runs to any other, forged perhaps, and its answer; and what goes on. */
  some(atMs: number): readonly PacketFact[] {
    const ends = this.#fabric.ends.all();
    const from = this.#random.pick(ends.filter(runs));
    const to = this.#random.pick(from === undefined ? [] : othersOf(ends, from));
    if (from === undefined || to === undefined) return [];
    const forged = this.#random.chance(0.3) ? (this.#random.pick(forgeries) ?? null) : null;
    const port = this.#random.pick(portsOfServers) ?? 22;
    const [ids, isSix] = [{ from: from.portId, to: to.portId }, isOfSix(from.address)];
    this.#sent = [...this.#sent, { ...ids, isSix, port, forged }].slice(-keptMax);
    return [
      ...this.#exchange(from, to, port, { atMs, forged, isLast: false }),
      ...this.again(atMs),
      ...this.#goOn(
        atMs,
        [this.#random.pick(this.#open)].filter((one) => one !== undefined),
      ),
    ];
  }

  again(atMs: number): readonly PacketFact[] {
    const ends = this.#fabric.ends.all().filter(runs);
    const some = this.#sent.slice(-againMax);
    return some.flatMap(({ from, to, isSix, port, forged }) => {
      const [sender, receiver] = [from, to].map((id) =>
        ends.find(({ portId, address }) => portId === id && isOfSix(address) === isSix),
      );
      if (sender === undefined || receiver === undefined) return [];
      return this.#exchange(sender, receiver, port, { atMs, forged, isLast: false });
    });
  }

  first(instanceId: string, atMs: number): readonly PacketFact[] {
    const ends = this.#fabric.ends.all().filter(runs);
    const [own, others] = [
      ends.filter((end) => end.instanceId === instanceId),
      ends.filter((end) => end.instanceId !== instanceId),
    ];
    return own.flatMap((end) => {
      const near = othersOf(others, end).filter(({ networkId }) => networkId === end.networkId);
      const other = this.#random.pick(near);
      const port = this.#random.pick(portsOfServers) ?? 22;
      if (other === undefined) return [];
      const packet = { atMs, forged: null, isLast: false };
      return [...this.#exchange(end, other, port, packet), ...this.#exchange(other, end, port, packet)];
    });
  }

  goingOn(atMs: number): readonly PacketFact[] {
    return this.#goOn(atMs, this.#open);
  }

  #goOn(atMs: number, connections: readonly Connection[]): readonly PacketFact[] {
    const ends = this.#fabric.ends.all().filter(runs);
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
    const ends = this.#fabric.ends.all().filter(runs);
    const pairs = ends.flatMap((from) => othersOf(ends, from).map((to) => ({ from, to })));
    const ofEach = [...Map.groupBy(pairs, ({ from }) => isOfSix(from.address)).values()];
    return ofEach
      .flatMap((some) => some.slice(0, most))
      .flatMap(({ from, to }) => {
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
    const { computers } = this.#fabric;
    const [own, other] = [computers.at(from.place, atMs), computers.at(to.place, atMs)];
    const arrived = computers.carry(from.place, from.portId, frame, atMs);
    const fact: PacketFact = {
      ...{ kind: "packet", from: from.portId, to: to.portId, ...about, flow: flowOf(from, to, ports) },
      delivered: arrived?.portId === to.portId,
      versions: [own, other, arrived?.computer ?? other].flatMap((one) => computers.versionsAt(one)),
      reach: own === other || (from.place.underlay !== null && to.place.underlay !== null),
      ruled: own.isRuled(from.portId) && (arrived?.computer ?? other).isRuled(to.portId),
      heard: runs(to),
    };
    return { fact, isThere: arrived?.computer === other };
  }
}

/** Whom it can send to at all, as the sender of a packet of its own IP version. */
const othersOf = (ends: readonly End[], from: End): readonly End[] =>
  ends.filter(({ portId, address }) => portId !== from.portId && isOfSix(address) === isOfSix(from.address));

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
