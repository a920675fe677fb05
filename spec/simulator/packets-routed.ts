/**
 * Guests that send packets over routers, also over those that lead there no more, and outside; and somebody
 * outside who calls floating addresses. Each packet that arrives is answered, and goes on as a connection.
 */
import type { PacketFact } from "../../actors/promises/network-facts.ts";
import { type Crossing, type Crossings, caller, callerBySix, type Left } from "./packet-crossings.ts";
import { type End, type Ends, type Gate, isOfSix, runs } from "./packet-ends.ts";
import { type Connection, forgeries, type Passing, portsOfServers, type Senders } from "./packets.ts";
import type { Random } from "./random.ts";

/** As packets.ts has it. */
const keptMax = 12;
const againMax = 3;

type Ports = readonly [number, number];
type Packet = Pick<Passing, "atMs" | "forged" | "isLast">;

/** What can be sent again. `gate` and `to`: absent where somebody outside calls an address. */
type Sent = Pick<PacketFact, "forged"> & {
  readonly from?: string;
  readonly gate?: string;
  readonly to?: string;
  readonly address: string;
  readonly port: number;
};

interface Open {
  readonly connection: Connection;
  /** MAC of the router's interface that the first guest sends to; absent: somebody outside has begun it. */
  readonly gate?: string;
  /** The same of the guest that answers, or how the answer comes back from outside. */
  readonly back: string | Left;
}

export class RoutedPackets implements Senders {
  readonly #crossings: Crossings;
  readonly #ends: Ends;
  readonly #random: Random;
  #flows = 0;
  #sent: readonly Sent[] = [];
  #open: readonly Open[] = [];

  constructor(crossings: Crossings, ends: Ends, random: Random) {
    this.#crossings = crossings;
    this.#ends = ends;
    this.#random = random;
  }

  some(atMs: number): readonly PacketFact[] {
    const chosen = this.#random.chance(0.3) ? this.#call() : this.#chosen();
    if (chosen === undefined) return [];
    this.#sent = [...this.#sent, chosen].slice(-keptMax);
    const open = this.#random.pick(this.#open);
    return [
      ...this.#send(chosen, { atMs, isLast: false }),
      ...this.again(atMs),
      ...(open === undefined ? [] : this.#goOn(open, atMs)),
    ];
  }

  again(atMs: number): readonly PacketFact[] {
    return this.#sent.slice(-againMax).flatMap((sent) => this.#send(sent, { atMs, isLast: false }));
  }

  first(instanceId: string, atMs: number): readonly PacketFact[] {
    const own = this.#ends.all().filter((end) => end.instanceId === instanceId && runs(end));
    const port = this.#port();
    return own.flatMap((from) => {
      const pair = this.#pairs().find((one) => isSame(one.from, from));
      const call = this.#call();
      return [
        ...(pair === undefined ? [] : this.#send(sentOf(pair, port), { atMs, isLast: false })),
        ...(call === undefined ? [] : this.#send(call, { atMs, isLast: false })),
      ];
    });
  }

  goingOn(atMs: number): readonly PacketFact[] {
    return this.#open.flatMap((one) => this.#goOn(one, atMs));
  }

  all(atMs: number, most: number): readonly PacketFact[] {
    const leaving = this.#running().flatMap((from) =>
      this.#ownGates(from).map((gate) => ({ from, gate, address: callerFor(from) })),
    );
    const calls = this.#ends.floating().map((address) => ({ address, port: this.#port(), forged: null }));
    return [
      ...this.#pairs()
        .slice(0, most)
        .map((pair) => sentOf(pair, this.#port())),
      ...leaving.slice(0, most).map((one) => sentOf(one, this.#port())),
      ...calls,
    ].flatMap((sent) => this.#send(sent, { atMs, isLast: true }));
  }

  #running = (): readonly End[] => this.#ends.all().filter(runs);

  #port = (): number => this.#random.pick(portsOfServers) ?? 22;

  #call(): Sent | undefined {
    const address = this.#random.pick(this.#ends.floating());
    return address === undefined ? undefined : { address, port: this.#port(), forged: null };
  }

  /** Mostly to somebody to whom the router leads, or has led; else to anybody. */
  #chosen(): Sent | undefined {
    const from = this.#random.pick(
      this.#running().filter((end) => this.#ends.gatesAt(end.networkId).length > 0),
    );
    const gate = from && this.#random.pick(this.#ends.gatesAt(from.networkId));
    if (from === undefined || gate === undefined) return undefined;
    const port = this.#port();
    const forged = this.#random.chance(0.15) ? (this.#random.pick(forgeries) ?? null) : null;
    if (this.#random.chance(0.25)) {
      const all = isOfSix(from.address) ? [callerBySix] : [caller, ...this.#ends.floating()];
      const address = this.#random.pick(all) ?? caller;
      return { ...sentOf({ from, gate, address }, port), forged };
    }
    const others = this.#ends
      .all()
      .filter((end) => end.portId !== from.portId && isOfSix(end.address) === isOfSix(from.address));
    const behind = this.#ends.gatesOf(gate.routerId).map(({ networkId }) => networkId);
    const near = others.filter(({ networkId }) => networkId !== from.networkId && behind.includes(networkId));
    const to = this.#random.pick(near.length > 0 && this.#random.chance(0.7) ? near : others);
    return to && { ...sentOf({ from, gate, to, address: to.address }, port), forged };
  }

  /** Of routers that are there. */
  #ownGates = (from: End): readonly Gate[] =>
    this.#ends.gatesAt(from.networkId).filter((gate) => gate.isThere && isOf(gate, from));

  /** Of guests that run, and are on two networks of a router. */
  #pairs(): readonly Pair[] {
    const ends = this.#running();
    return ends.flatMap((from) =>
      this.#ownGates(from).flatMap((gate) => {
        const gates = this.#ends.gatesOf(gate.routerId).filter(({ isThere }) => isThere);
        const subnets = gates.map(({ subnetId }) => subnetId);
        const alike = ends.filter((to) => isOfSix(to.address) === isOfSix(from.address));
        const others = alike.filter((to) => to.subnetId !== from.subnetId && subnets.includes(to.subnetId));
        return others.map((to) => ({ from, gate, to, address: to.address }));
      }),
    );
  }

  #send({ port, forged, ...sent }: Sent, at: Omit<Packet, "forged">): readonly PacketFact[] {
    this.#flows += 1;
    const ports: Ports = [20_000 + (this.#flows % 40_000), port];
    const packet = { ...at, forged };
    if (sent.from === undefined || sent.gate === undefined)
      return this.#called({ source: caller, address: sent.address, ports }, packet);
    const ends = this.#running();
    const { gate, address } = sent;
    const [from, wished] = [sent.from, sent.to].map((id) =>
      ends.find((end) => end.portId === id && isOfSix(end.address) === isOfSix(address)),
    );
    if (from === undefined || (sent.to !== undefined && wished === undefined)) return [];
    const there = this.#crossings.send({ from, gate, address, ports, wished }, passing(packet));
    const isOwn = this.#ends.gatesAt(from.networkId).some((one) => one.mac === gate && isOf(one, from));
    return [there.fact, ...(isOwn ? this.#answered(there, { from, gate }, packet) : [])];
  }

  /** What becomes of a packet that a guest has sent, where it came to. */
  #answered(
    { fact, guest, left }: Crossing,
    { from, gate }: { readonly from: End; readonly gate: string },
    packet: Packet,
  ): readonly PacketFact[] {
    const { sourcePort, destinationPort, destination } = fact.flow;
    // By IPv6 nothing comes back from outside; that it has left is judged.
    const isGone = left !== undefined && isOfSix(destination);
    if (packet.forged !== null || !fact.delivered || isGone) return [];
    const ports: Ports = [destinationPort, sourcePort];
    if (left !== undefined && destination !== caller) {
      const { seen } = left;
      return this.#called(
        { source: seen, address: destination, ports: [sourcePort, destinationPort] },
        packet,
      );
    }
    const isBack = { ...passing(packet), isAnswer: true };
    if (left !== undefined) {
      const answer = this.#back(left, { end: from, ports }, isBack);
      for (const one of answer) if (one.delivered) this.#keep({ connection: fact, gate, back: left });
      return answer;
    }
    if (guest === undefined) return [];
    const sending = { from: guest.end, gate: guest.gate, address: from.address, ports, wished: from };
    const answer = this.#crossings.send(sending, isBack).fact;
    if (answer.delivered && runs(guest.end)) this.#keep({ connection: fact, gate, back: guest.gate });
    return [answer];
  }

  /**
   * By the address that was seen: a floating one, or the host's. While a floating address changes hosts both
   * answer for it (N5 judges that), and only one of them has the guest.
   */
  #back(left: Left, { end, ports }: { readonly end: End; readonly ports: Ports }, about: Passing) {
    const isFloating = this.#ends.floating().includes(left.seen);
    const crossings = isFloating
      ? this.#crossings.call({ source: caller, address: left.seen, ports }, about)
      : [this.#crossings.answer(left, { end, ports }, about)];
    const facts = crossings.map(({ fact }) => fact);
    const arrived = facts.filter(({ delivered }) => delivered);
    return arrived.length > 0 ? arrived : facts;
  }

  #called(call: Parameters<Crossings["call"]>[0], packet: Packet): readonly PacketFact[] {
    const [sourcePort, destinationPort] = call.ports;
    return this.#crossings.call(call, passing(packet)).flatMap(({ fact, guest }) => {
      if (!fact.delivered || guest === undefined) return [fact];
      const { end, gate } = guest;
      const ports: Ports = [destinationPort, sourcePort];
      const about = { ...passing(packet), isAnswer: true };
      const answer = this.#crossings.send({ from: end, gate, address: call.source, ports }, about).fact;
      if (answer.delivered && runs(end)) this.#keep({ connection: fact, back: gate });
      return [fact, answer];
    });
  }

  #keep({ connection: { from, to, flow }, ...way }: Open): void {
    this.#open = [...this.#open, { connection: { from, to, flow }, ...way }].slice(-keptMax);
  }

  #goOn({ connection, gate, back }: Open, atMs: number): readonly PacketFact[] {
    const about = { atMs, forged: null, isLast: false, isAnswer: false, connection };
    const { source, destination, sourcePort, destinationPort } = connection.flow;
    const [there, home]: [Ports, Ports] = [
      [sourcePort, destinationPort],
      [destinationPort, sourcePort],
    ];
    const ends = this.#running();
    const find = (id: string, address: string) =>
      ends.find((end) => end.portId === id && end.address === address);
    if (gate === undefined) {
      const end = ends.find((one) => one.portId === connection.to && !isOfSix(one.address));
      const calls = this.#crossings.call({ source, address: destination, ports: there }, about);
      if (end === undefined || typeof back !== "string") return calls.map(({ fact }) => fact);
      const answer = this.#crossings.send({ from: end, gate: back, address: source, ports: home }, about);
      return [...calls.map(({ fact }) => fact), answer.fact];
    }
    const from = find(connection.from, source);
    if (from === undefined) return [];
    if (typeof back !== "string") {
      const left = this.#crossings.send({ from, gate, address: destination, ports: there }, about);
      return [left.fact, ...this.#back(back, { end: from, ports: home }, about)];
    }
    const to = find(connection.to, destination);
    if (to === undefined) return [];
    return [
      this.#crossings.send({ from, gate, address: destination, ports: there, wished: to }, about).fact,
      this.#crossings.send({ from: to, gate: back, address: source, ports: home, wished: from }, about).fact,
    ];
  }
}

interface Pair {
  readonly from: End;
  readonly gate: Gate;
  readonly address: string;
  readonly to?: End;
}

const sentOf = ({ from, gate, address, to }: Pair, port: number): Sent => ({
  ...{ from: from.portId, gate: gate.mac, address, port, forged: null },
  ...(to === undefined ? {} : { to: to.portId }),
});

const isSame = (one: End, other: End): boolean =>
  one.portId === other.portId && one.address === other.address;

const callerFor = ({ address }: End): string => (isOfSix(address) ? callerBySix : caller);

/** In the guest's own subnet: from others no way leads back to it. */
const isOf = (gate: Gate, end: End): boolean => gate.subnetId === end.subnetId;

const passing = (packet: Packet): Passing => ({ ...packet, isAnswer: false });
