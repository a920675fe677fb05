/**
 * The switches of simulated computers: the real switch's decisions over what the nodes of a computer have
 * applied and plugged in. Also which computer is where, and who reaches whom.
 */

import { FlowMemory } from "../../nodes/switch/filter/judge.ts";
import { RuleBook } from "../../nodes/switch/filter/rules.ts";
import type { Outcome } from "../../nodes/switch/outcome.ts";
import { planOf } from "../../nodes/switch/plan.ts";
import type { Plan, PlannedPort } from "../../nodes/switch/planned.ts";
import type { SwitchState } from "../../nodes/switch/state.ts";
import { switchFarFrame, switchFrame } from "../../nodes/switch/switching.ts";
import { together } from "../../nodes/switch/together.ts";
import type { HostNetworking } from "../../protocol/networking.ts";
import type { HostMachine } from "./host-machine.ts";
import { driversOfHost } from "./shapes.ts";

export interface Place {
  readonly machine: Pick<HostMachine, "name" | "world">;
  /** Null: it reaches no other computer by the underlay. */
  readonly underlay: string | null;
}

/** The hosts of a cluster, in their order; only hosts of one version have an underlay. */
export const placesOf = (hosts: readonly Pick<Place, "machine">[], oneVersion: boolean): readonly Place[] =>
  hosts.map(({ machine }, index) => ({
    machine,
    underlay: driversOfHost(index, oneVersion).networking?.underlay ?? null,
  }));

/** Where a frame came to in the end. */
export interface Arrival {
  readonly portId: string;
  readonly computer: Computer;
  /** As it is there. */
  readonly frame: Buffer;
  /** Router and node by whose way the frame has come outside. Absent: the frame is at a port. */
  readonly leftBy?: { readonly routerId: string; readonly node: string };
}

/** A switch for all nodes of a computer. */
export class Computer {
  readonly #memory = new FlowMemory();
  readonly #book = new RuleBook();
  #states: readonly SwitchState[] = [];
  #text = "";
  #plan: Plan = new Map();

  /** The switch of a real computer is told by its agents; here it looks before each frame. */
  look(places: readonly Place[], nowMs: number): void {
    const text = places.map(textOf).join();
    if (text === this.#text) return;
    this.#text = text;
    this.#states = statesOf(places);
    this.#plan = planOf(together(this.#states), this.#book);
    this.#memory.apply(this.#plan, nowMs);
  }

  portOf(portId: string): PlannedPort | undefined {
    return this.#plan.get(portId);
  }

  /** Whether a node has applied a picture of the port with a guest that is plugged into it here. */
  isRuled(portId: string): boolean {
    const guests = this.#states.flatMap(({ plugs }) =>
      plugs.filter((plug) => plug.portId === portId).map(({ instanceId }) => instanceId),
    );
    const told = this.#states.flatMap(({ networking }) => networking?.networks ?? []);
    return told.some(({ ports }) =>
      ports.some((one) => one.id === portId && guests.includes(one.instanceId)),
    );
  }

  send(portId: string, frame: Buffer, nowMs: number): Outcome {
    const world = { plan: this.#plan, memory: this.#memory, isBarred: () => false };
    return switchFrame(world, portId, frame, nowMs);
  }

  receive(sender: { readonly number: number; readonly host: string }, frame: Buffer, nowMs: number): Outcome {
    const networks = new Map([...this.#plan.values()].map(({ network }) => [network.number, network]));
    return switchFarFrame({ plan: this.#plan, networks, memory: this.#memory }, sender, frame, nowMs);
  }
}

/** Another one whenever the switch has something else to know of the node. */
function textOf({ machine: { world } }: Place): string {
  const { applied, carries, plugged } = world.ports;
  const plugs = [...plugged.values()].map(({ portId, instanceId, networkId, mac }) =>
    [portId, instanceId, networkId, mac].join(" "),
  );
  return [applied?.version, carries, ...plugs].join("/");
}

/** Of the nodes of one computer. */
function statesOf(places: readonly Place[]): readonly SwitchState[] {
  const pictures = places.flatMap(({ machine }) => machine.world.ports.applied ?? []);
  const all = pictures.flatMap(({ routers = [] }) => routers);
  const seen = new Set(all.filter(({ floating }) => floating.length > 0).map(({ id }) => id));
  return places.map((place) => stateOf(place, seen));
}

/** `seen`: ids of routers with floating addresses on this computer. */
function stateOf({ machine: { name, world }, underlay }: Place, seen: ReadonlySet<string>): SwitchState {
  const { applied, carries, plugged } = world.ports;
  const plugs = [...plugged.values()].map(({ ownerEpoch: _, ...port }) => ({
    ...{ ...port, path: "/", node: name },
    ...(underlay === null ? {} : { underlay }),
  }));
  const networking = applied === undefined ? null : lettingOut(applied, seen);
  const ways = (applied?.routers ?? []).filter(({ outside }) => outside !== null);
  const exits = ways.map(({ id }) => ({ id: exitOf(name, id), node: name, routerId: id, path: "/" }));
  return carries ? { networking, plugs, exits } : { networking, plugs: [] };
}

const exitOf = (node: string, routerId: string): string => `exit ${node} ${routerId}`;

/** The switch knows no floating addresses: it lets go who may have one, and packet-crossings.ts decides. */
function lettingOut(networking: HostNetworking, seen: ReadonlySet<string>): HostNetworking {
  const { routers } = networking;
  if (routers === undefined) return networking;
  const open = routers.map((one) =>
    one.outside === null || !seen.has(one.id) ? one : { ...one, outside: { ...one.outside, snat: true } },
  );
  return { ...networking, routers: open };
}

export class Computers {
  readonly #places: () => readonly Place[];
  /** By underlay, or by host where there is none. */
  readonly #computers = new Map<string, Computer>();

  constructor(places: () => readonly Place[]) {
    this.#places = places;
  }

  /** As it is now. */
  at(place: Place, nowMs: number): Computer {
    const key = keyOf(place);
    const computer = this.#computers.get(key) ?? new Computer();
    this.#computers.set(key, computer);
    computer.look(
      this.#places().filter((one) => keyOf(one) === key),
      nowMs,
    );
    return computer;
  }

  /** The port that gets the frame in the end, and where; undefined: it was dropped. */
  carry(from: Place, portId: string, frame: Buffer, nowMs: number): Arrival | undefined {
    const own = this.at(from, nowMs);
    const sent = own.send(portId, frame, nowMs);
    const target = sent.kind === "deliver" ? own.portOf(sent.to) : undefined;
    if (sent.kind !== "deliver" || target === undefined) return undefined;
    const { portId: to, host, leadsOut, node } = target;
    // Packets are too small to be divided.
    const [left = frame] = sent.frames ?? [];
    const leftBy = leadsOut && { routerId: leadsOut.id, node: node ?? "" };
    if (host === undefined) return { portId: to, computer: own, frame: left, ...(leftBy && { leftBy }) };
    const far = this.#places().find(({ underlay }) => underlay === host);
    if (far === undefined || from.underlay === null) return undefined;
    const computer = this.at(far, nowMs);
    const received = computer.receive({ number: target.network.number, host: from.underlay }, left, nowMs);
    return received.kind === "deliver" ? { portId: received.to, computer, frame: left } : undefined;
  }

  /** Versions of the pictures that the nodes of the computer have applied. */
  versionsAt(computer: Computer): readonly number[] {
    const own = this.#places().filter((place) => this.#computers.get(keyOf(place)) === computer);
    return own.map(({ machine: { world } }) => world.ports.applied?.version ?? 0);
  }

  /** A frame from outside, by the way that the node has there for the router. */
  enter(to: Place, routerId: string, frame: Buffer, nowMs: number): Arrival | undefined {
    return this.carry(to, exitOf(to.machine.name, routerId), frame, nowMs);
  }
}

const keyOf = ({ underlay, machine }: Place): string => underlay ?? machine.name;
