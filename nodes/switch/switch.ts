/**
 * The switch: holds the plan that is applied, a connection for each plug, and carries frames between them. A
 * state is applied as a whole, between two frames. It must never fall over a frame: one that meets a fault of
 * ours is dropped and counted.
 */
import { advertisePeriodSeconds } from "../dhcp6/advertisement.ts";
import { type Advertised, Advertiser } from "./advertiser.ts";
import { count, PortCounters } from "./counters.ts";
import { AddressSet } from "./filter/address-set.ts";
import { FlowMemory } from "./filter/judge.ts";
import { RuleBook } from "./filter/rules.ts";
import { type KeptConnection, keptText } from "./kept-connections.ts";
import { switchLimits } from "./limits.ts";
import { MetadataService } from "./metadata/service.ts";
import { ToldGuests } from "./metadata/told-guests.ts";
import type { OutQueue } from "./out-queue.ts";
import type { Outcome } from "./outcome.ts";
import { planOf } from "./plan.ts";
import type { Plan, PlannedNetwork, PlannedPort } from "./planned.ts";
import { PlugConnection } from "./plug-connection.ts";
import { OwnAddresses } from "./routing/own-addresses.ts";
import type { SwitchPlug, SwitchState } from "./state.ts";
import { type Sender, switchFarFrame, switchFrame } from "./switching.ts";
import { Meter } from "./token-bucket.ts";
import { Turns } from "./turns.ts";
import { Underlay } from "./underlay.ts";

/** A guest's, a gateway's, or an exit's. */
type Socketed = Pick<SwitchPlug, "portId" | "instanceId" | "path">;

interface Plugged {
  readonly plug: Socketed;
  readonly connection: PlugConnection;
  readonly counters: PortCounters;
  /** Limits of the frames that the guest sends, and of those that the guest receives. */
  readonly egress: Meter;
  readonly ingress: Meter;
}

export interface SwitchEvents {
  /** A plug is connected, or not any more. */
  changed(): void;
  say(text: string): void;
}

/** Name of what has no port among the counters. */
const farCounters = "other hosts";

/** CLOCK_MONOTONIC: nobody sets it. */
const nowMs = (): number => performance.now();

export class Switch {
  readonly #events: SwitchEvents;
  readonly #memory = new FlowMemory();
  readonly #turns = new Turns();
  /** By port. */
  readonly #plugged = new Map<string, Plugged>();
  readonly #unwritten = new Set<OutQueue>();
  readonly #book = new RuleBook();
  readonly #underlay: Underlay;
  readonly #told = new ToldGuests();
  readonly #metadata: MetadataService;
  /** Of what comes from other hosts and goes to them. */
  readonly #far = new PortCounters();
  readonly #addresses = new OwnAddresses();
  readonly #advertiser = new Advertiser();
  /** Addresses of the underlay. */
  #hosts = new AddressSet([]);
  readonly #isBarred = (address: string): boolean =>
    this.#hosts.has(address) || this.#addresses.has(address, nowMs());
  #plan: Plan = new Map();
  /** By number. */
  #networks: ReadonlyMap<number, PlannedNetwork> = new Map();
  #hasFault = false;
  #isWriting = false;

  constructor(events: SwitchEvents) {
    this.#events = events;
    this.#underlay = new Underlay({
      frame: (bytes, from) => this.#take(bytes, from),
      malformed: () => this.#far.drop("malformed"),
      say: (text) => events.say(text),
      changed: () => events.changed(),
    });
    this.#metadata = new MetadataService(
      {
        send: (portId, frame) => {
          this.#send(portId, frame, portId);
          this.#writeSoon();
        },
        told: (portId) => this.#told.of(portId),
        fault: (portId, error) => this.#fault(`a question of the port ${portId}`, error),
      },
      nowMs,
    );
    const advertiseAll = () => this.#advertise(this.#advertiser.all());
    setInterval(advertiseAll, advertisePeriodSeconds * 1_000).unref();
    setInterval(() => this.#memory.sweep(nowMs()), switchLimits.connectionSweepPeriodMs).unref();
  }

  /** From its end on nothing passes that the state does not allow. */
  apply(state: SwitchState): void {
    this.#plan = planOf(state, this.#book);
    this.#told.apply(state);
    this.#networks = networksIn(this.#plan);
    this.#hosts = new AddressSet(underlaysIn(state));
    this.#memory.apply(this.#plan, nowMs());
    const doors = [...(state.gateways ?? []), ...(state.exits ?? [])];
    const processes = doors.map(({ id, path }) => ({ portId: id, instanceId: id, path }));
    const plugs: readonly Socketed[] = [...state.plugs, ...processes];
    const wanted = new Map(plugs.map((plug) => [plug.portId, plug]));
    for (const [portId, { plug }] of this.#plugged)
      if (wanted.get(portId)?.path !== plug.path || wanted.get(portId)?.instanceId !== plug.instanceId)
        this.#pull(portId);
    for (const plug of plugs) if (!this.#plugged.has(plug.portId)) this.#plugIn(plug);
    this.#underlay.listen(new Set(state.plugs.flatMap(({ underlay }) => underlay ?? [])));
    this.#advertise(this.#advertiser.apply(this.#plan));
  }

  /** Why these plugs do not hear from other hosts; null: they do, or are not to. */
  underlayFaultOf(plugs: readonly SwitchPlug[]): string | null {
    const [fault = null] = plugs.flatMap(({ underlay = "" }) => this.#underlay.faultOf(underlay) ?? []);
    return fault;
  }

  /** Connections that a switch before has kept; the first state judges them. */
  takeOver(kept: readonly KeptConnection[]): void {
    this.#memory.takeOver(kept);
  }

  /** Changes when there is something else to keep. */
  get keptChanges(): number {
    return this.#memory.changes;
  }

  keptText(): string {
    return keptText(this.#memory.connections.all(), this.#memory.revoked.all());
  }

  /** How many of these plugs are connected to a guest at this moment. */
  connectedOf(plugs: readonly SwitchPlug[]): number {
    const isConnected = ({ portId, path }: SwitchPlug) => {
      const plugged = this.#plugged.get(portId);
      return plugged?.plug.path === path && plugged.connection.queue !== undefined;
    };
    return plugs.filter(isConnected).length;
  }

  counters(): Readonly<Record<string, PortCounters>> {
    const ports = [...this.#plugged].map(([portId, { counters }]) => [portId, counters] as const);
    return Object.fromEntries([...ports, [farCounters, this.#far]]);
  }

  close(): void {
    this.#underlay.close();
    this.#metadata.close();
    for (const portId of this.#plugged.keys()) this.#pull(portId);
  }

  #pull(portId: string): void {
    this.#plugged.get(portId)?.connection.close();
    this.#metadata.forget(portId);
    this.#plugged.delete(portId);
  }

  #plugIn(plug: Socketed): void {
    const { portId, path } = plug;
    const counters = new PortCounters();
    let isSaid = false;
    const connection = new PlugConnection(path, this.#turns, {
      frame: (bytes) => this.#carry(portId, bytes, counters),
      rest: () => this.#write(),
      changed: () => this.#events.changed(),
      damaged: () => {
        // Once: a guest could fill the log with it.
        if (!isSaid) this.#events.say(`what the port ${portId} sends is no stream of frames: hung up`);
        isSaid = true;
      },
    });
    const [egress, ingress] = [new Meter(), new Meter()];
    this.#plugged.set(portId, { plug, connection, counters, egress, ingress });
  }

  #carry(portId: string, bytes: Buffer, counters: PortCounters): void {
    count(counters.sent, bytes);
    const limit = this.#plan.get(portId)?.bandwidth?.egress;
    if (this.#plugged.get(portId)?.egress.passes(limit, bytes.length, nowMs()) === false) {
      counters.drop("egressLimit");
      return;
    }
    const outcome = this.#outcomeOf(portId, bytes);
    if (outcome.kind === "deliver")
      for (const frame of outcome.frames ?? [bytes]) this.#deliver(outcome.to, frame, portId);
    else if (outcome.kind === "answer") {
      counters.answered += 1;
      if (outcome.reason !== undefined) counters.drop(outcome.reason);
      this.#send(portId, outcome.frame, portId);
    } else if (outcome.kind === "serve") {
      counters.answered += 1;
      this.#metadata.take({ portId, ...outcome });
    } else (this.#plugged.get(outcome.to ?? portId)?.counters ?? counters).drop(outcome.reason);
  }

  /** A frame of another host. */
  #take(bytes: Buffer, sender: Sender): void {
    count(this.#far.received, bytes);
    const world = { plan: this.#plan, networks: this.#networks, memory: this.#memory };
    const outcome = this.#judged(`of the host ${sender.host}`, () =>
      switchFarFrame(world, sender, bytes, nowMs()),
    );
    if (outcome.kind === "drop") {
      (this.#plugged.get(outcome.to ?? "")?.counters ?? this.#far).drop(outcome.reason);
    } else if (outcome.kind === "deliver") {
      this.#send(outcome.to, bytes, sender.host);
      this.#writeSoon();
    }
  }

  /** Guests that start later ask by themselves. */
  #advertise(all: readonly Advertised[]): void {
    for (const { portId, frame } of all)
      if (this.#plugged.get(portId)?.connection.queue !== undefined) this.#send(portId, frame, portId);
    this.#writeSoon();
  }

  #outcomeOf(portId: string, bytes: Buffer): Outcome {
    const world = { plan: this.#plan, memory: this.#memory, isBarred: this.#isBarred };
    return this.#judged(`of the port ${portId}`, () => switchFrame(world, portId, bytes, nowMs()));
  }

  #judged(whose: string, judge: () => Outcome): Outcome {
    try {
      return judge();
    } catch (error) {
      this.#fault(`a frame ${whose}`, error);
      return { kind: "drop", reason: "fault" };
    }
  }

  /** Once: a guest could fill the log with it. */
  #fault(what: string, error: unknown): void {
    if (!this.#hasFault) this.#events.say(`${what} met a fault: ${errorText(error)}`);
    this.#hasFault = true;
  }

  #deliver(portId: string, frame: Buffer, sender: string): void {
    const receiver = this.#plan.get(portId);
    if (receiver?.host === undefined) this.#send(portId, frame, sender);
    else if (this.#sendFar(receiver, frame, this.#plan.get(sender))) count(this.#far.sent, frame);
    else this.#far.drop("notSent");
  }

  #sendFar({ host, network }: PlannedPort, frame: Buffer, sender: PlannedPort | undefined): boolean {
    if (sender?.underlay === undefined || host === undefined) return false;
    return this.#underlay.send(frame, { from: sender.underlay, host, number: network.number });
  }

  #send(portId: string, frame: Buffer, sender: string): void {
    const receiver = this.#plugged.get(portId);
    if (receiver === undefined) return;
    const { connection, counters, ingress } = receiver;
    const limit = this.#plan.get(portId)?.bandwidth?.ingress;
    if (connection.queue === undefined) counters.drop("notConnected");
    else if (!ingress.passes(limit, frame.length, nowMs())) counters.drop("ingressLimit");
    else if (!connection.queue.push(frame, sender)) counters.drop("queueFull");
    else {
      this.#unwritten.add(connection.queue);
      count(counters.received, frame);
    }
  }

  /** Together with the frames of the datagrams that came with this one. */
  #writeSoon(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    setImmediate(() => this.#write());
  }

  #write(): void {
    this.#isWriting = false;
    for (const queue of this.#unwritten) queue.flush();
    this.#unwritten.clear();
  }
}

/** By number; what is outside is none. */
function networksIn(plan: Plan): ReadonlyMap<number, PlannedNetwork> {
  const ports = [...plan.values()].filter(({ leadsOut }) => leadsOut === undefined);
  return new Map(ports.map(({ network }) => [network.number, network]));
}

const underlaysIn = ({ plugs, networking }: SwitchState): readonly string[] => [
  ...new Set([
    ...plugs.flatMap(({ underlay }) => underlay ?? []),
    ...(networking?.far ?? []).map(({ host }) => host),
  ]),
];

const errorText = (error: unknown): string => (error instanceof Error && error.stack) || String(error);
