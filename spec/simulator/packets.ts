/**
 * Packets between simulated guests, carried by the real switch's decisions over the pictures that hosts have
 * applied: one switch for each computer. Guests are hostile now and then, and forge what they send. What it
 * says of a packet is judged by what was intended (actors/promises/packets.ts), never by itself.
 */
import type { PacketFact } from "../../actors/promises/facts.ts";
import { FlowMemory } from "../../nodes/switch/filter/judge.ts";
import { RuleBook } from "../../nodes/switch/filter/rules.ts";
import { type Plan, type PlannedPort, planOf } from "../../nodes/switch/plan.ts";
import { type Outcome, switchFarFrame, switchFrame } from "../../nodes/switch/switching.ts";
import { together } from "../../nodes/switch/together.ts";
import { arpFrame, discovery, ethernet, icmp, ip4Frame, ip6Frame, udp } from "../support/frames.ts";
import type { HostMachine } from "./host-machine.ts";
import type { Random } from "./random.ts";
import { driversOfHost } from "./shapes.ts";

interface Place {
  readonly machine: Pick<HostMachine, "name" | "world">;
  /** Null: it reaches no other computer by the underlay. */
  readonly underlay: string | null;
}

/** A port that a guest is plugged into, as its guest knows it. */
interface End {
  readonly portId: string;
  readonly networkId: string;
  readonly mac: string;
  /** Of IPv4. */
  readonly address: string;
  readonly place: Place;
}

type Forged = NonNullable<PacketFact["forged"]>;
const forgeries: readonly Forged[] = ["mac", "address", "arp", "dhcpServer", "router", "vlan"];

/** Ports of UDP: rules of the simulated clients name all but the last. */
const portsOfServers = [0, 1, 2, 3, 4, 22];

/** A switch for all nodes of a computer. */
class Computer {
  readonly #memory = new FlowMemory();
  readonly #book = new RuleBook();
  #state = "";
  plan: Plan = new Map();

  /** The switch of a real computer is told by its agents; here it looks before each frame. */
  look(places: readonly Place[], nowMs: number): void {
    const states = places.map(({ machine: { world }, underlay }) => ({
      networking: world.ports.applied ?? null,
      plugs: [...world.ports.plugged.values()].map(({ ownerEpoch: _, ...port }) => ({
        ...{ ...port, path: "/" },
        ...(underlay === null ? {} : { underlay }),
      })),
    }));
    const text = JSON.stringify(states.map(({ networking, plugs }) => [networking?.version, plugs]));
    if (text === this.#state) return;
    this.#state = text;
    this.plan = planOf(together(states), this.#book);
    this.#memory.apply(this.plan, nowMs);
  }

  send(portId: string, frame: Buffer, nowMs: number): Outcome {
    return switchFrame({ plan: this.plan, memory: this.#memory }, portId, frame, nowMs);
  }

  receive(sender: { readonly number: number; readonly host: string }, frame: Buffer, nowMs: number): Outcome {
    const networks = new Map([...this.plan.values()].map(({ network }) => [network.number, network]));
    return switchFarFrame({ plan: this.plan, networks, memory: this.#memory }, sender, frame, nowMs);
  }
}

/** The hosts of a cluster, in their order; only hosts of one version have an underlay. */
export const placesOf = (hosts: readonly Pick<Place, "machine">[], oneVersion: boolean): readonly Place[] =>
  hosts.map(({ machine }, index) => ({
    machine,
    underlay: driversOfHost(index, oneVersion).networking?.underlay ?? null,
  }));

interface Arrival {
  readonly portId: string;
  readonly computer: Computer;
}

export class Packets {
  readonly #places: () => readonly Place[];
  readonly #random: Random;
  /** By underlay, or by host where there is none. */
  readonly #computers = new Map<string, Computer>();
  #flows = 0;

  constructor(places: () => readonly Place[], random: Random) {
    this.#places = places;
    this.#random = random;
  }

  /** One packet of a guest that runs to any other, forged perhaps; and its answer, if it came. */
  some(atMs: number): readonly PacketFact[] {
    const ends = this.#ends();
    const from = this.#random.pick(ends.filter((end) => runs(end)));
    const to = this.#random.pick(ends.filter(({ portId }) => portId !== from?.portId));
    if (from === undefined || to === undefined) return [];
    const forged = this.#random.chance(0.3) ? (this.#random.pick(forgeries) ?? null) : null;
    return this.#exchange(from, to, { atMs, forged, isLast: false });
  }

  /** One packet between each two guests that run, when nothing moves any more. */
  all(atMs: number, most: number): readonly PacketFact[] {
    const ends = this.#ends().filter(runs);
    const pairs = ends.flatMap((from) => ends.flatMap((to) => (from === to ? [] : [{ from, to }])));
    return pairs
      .slice(0, most)
      .flatMap(({ from, to }) => this.#exchange(from, to, { atMs, forged: null, isLast: true }));
  }

  #exchange(from: End, to: End, packet: Pick<PacketFact, "atMs" | "forged" | "isLast">): PacketFact[] {
    this.#flows += 1;
    const ports: Ports = [20_000 + (this.#flows % 40_000), this.#random.pick(portsOfServers) ?? 22];
    const { fact, isThere } = this.#carry(from, to, { ...packet, ports, isAnswer: false });
    // A guest that has moved may still be plugged in where it was: that one has it, and does not answer.
    if (!fact.delivered || !isThere || packet.forged !== null) return [fact];
    const back: Ports = [ports[1], ports[0]];
    return [fact, this.#carry(to, from, { ...packet, ports: back, isAnswer: true }).fact];
  }

  #carry(from: End, to: End, packet: Sent): { readonly fact: PacketFact; readonly isThere: boolean } {
    const [own, other] = [this.#computerOf(from.place, packet.atMs), this.#computerOf(to.place, packet.atMs)];
    const bytes = frameOf(from, to, packet);
    const { ports, ...about } = packet;
    const outcome = own.send(from.portId, bytes, packet.atMs);
    const arrived =
      outcome.kind === "deliver"
        ? this.#arrive(from, own.plan.get(outcome.to), bytes, packet.atMs)
        : undefined;
    const fact: PacketFact = {
      ...{ kind: "packet", from: from.portId, to: to.portId, ...about },
      flow: {
        source: from.address,
        destination: to.address,
        sourcePort: ports[0],
        destinationPort: ports[1],
      },
      delivered: arrived?.portId === to.portId,
      versions: [from.place, to.place].map(({ machine: { world } }) => world.ports.applied?.version ?? 0),
      reach: own === other || (from.place.underlay !== null && to.place.underlay !== null),
    };
    return { fact, isThere: arrived?.computer === other };
  }

  /** The port that gets the frame in the end, and where. */
  #arrive(from: End, target: PlannedPort | undefined, bytes: Buffer, nowMs: number): Arrival | undefined {
    if (target === undefined) return undefined;
    if (target.host === undefined)
      return { portId: target.portId, computer: this.#computerOf(from.place, nowMs) };
    const far = this.#places().find(({ underlay }) => underlay === target.host);
    const { underlay } = from.place;
    if (far === undefined || underlay === null) return undefined;
    const computer = this.#computerOf(far, nowMs);
    const outcome = computer.receive({ number: target.network.number, host: underlay }, bytes, nowMs);
    return outcome.kind === "deliver" ? { portId: outcome.to, computer } : undefined;
  }

  #computerOf(place: Place, nowMs: number): Computer {
    const keyOf = ({ underlay, machine }: Place) => underlay ?? machine.name;
    const key = keyOf(place);
    const computer = this.#computers.get(key) ?? new Computer();
    this.#computers.set(key, computer);
    computer.look(
      this.#places().filter((one) => keyOf(one) === key),
      nowMs,
    );
    return computer;
  }

  /** A guest knows the address that it was told by its host's picture. */
  #ends(): readonly End[] {
    return this.#places().flatMap((place) => {
      const { applied, plugged } = place.machine.world.ports;
      const told = (applied?.networks ?? []).flatMap(({ ports }) => ports);
      return [...plugged.values()].flatMap(({ portId, networkId, mac }) => {
        const port = told.find(({ id }) => id === portId);
        const address = port?.addresses.find((one) => !one.address.includes(":"))?.address;
        return address === undefined ? [] : { portId, networkId, mac, address, place };
      });
    });
  }
}

const runs = ({ portId, place }: End): boolean => {
  const { world } = place.machine;
  const instanceId = world.ports.plugged.get(portId)?.instanceId;
  return world.list().some((guest) => guest.instanceId === instanceId && guest.status === "running");
};

type Ports = readonly [number, number];
type Sent = Pick<PacketFact, "atMs" | "forged" | "isLast" | "isAnswer"> & { readonly ports: Ports };

function frameOf(from: End, to: End, { forged, ports }: Sent): Buffer {
  const ends = {
    ...{ sourceMac: from.mac, destinationMac: to.mac, source: from.address, destination: to.address },
  };
  const plain = udp(ports[0], ports[1]);
  const another = "52:54:00:ff:ff:fe";
  switch (forged) {
    case "mac":
      return ip4Frame({ ...ends, sourceMac: another }, 17, plain);
    case "address":
      return ip4Frame({ ...ends, source: "192.0.2.77" }, 17, plain);
    case "arp":
      return arpFrame({ operation: 2, senderMac: from.mac, sender: to.address, target: from.address });
    case "dhcpServer":
      return ip4Frame(ends, 17, udp(67, 68));
    case "router":
      return ip6Frame({ ...ends, source: "fe80::1", destination: "ff02::1" }, 58, discovery(134, "::"), 255);
    case "vlan":
      return ethernet(ends, 0x8100, Buffer.concat([Buffer.from([0, 1, 8, 0]), icmp(8, 0)]));
    default:
      return ip4Frame(ends, 17, plain);
  }
}
