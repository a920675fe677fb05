/**
 * The switch: holds the plan that is applied, a connection for each plug, and carries frames between them. A
 * state is applied as a whole, between two frames. It must never fall over a frame: one that meets a fault of
 * ours is dropped and counted.
 */
import { count, PortCounters } from "./counters.ts";
import { FlowMemory } from "./filter/judge.ts";
import { RuleBook } from "./filter/rules.ts";
import { type KeptConnection, keptText } from "./kept-connections.ts";
import { switchLimits } from "./limits.ts";
import type { OutQueue } from "./out-queue.ts";
import { type Plan, planOf } from "./plan.ts";
import { PlugConnection } from "./plug-connection.ts";
import type { SwitchPlug, SwitchState } from "./state.ts";
import { type Outcome, switchFrame } from "./switching.ts";
import { Turns } from "./turns.ts";

interface Plugged {
  readonly plug: SwitchPlug;
  readonly connection: PlugConnection;
  readonly counters: PortCounters;
}

export interface SwitchEvents {
  /** A plug is connected, or not any more. */
  changed(): void;
  say(text: string): void;
}

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
  #plan: Plan = new Map();
  #hasFault = false;

  constructor(events: SwitchEvents) {
    this.#events = events;
    setInterval(() => this.#memory.sweep(nowMs()), switchLimits.connectionSweepPeriodMs).unref();
  }

  /** From its end on nothing passes that the state does not allow. */
  apply(state: SwitchState): void {
    this.#plan = planOf(state, this.#book);
    this.#memory.apply(this.#plan, nowMs());
    const wanted = new Map(state.plugs.map((plug) => [plug.portId, plug]));
    for (const [portId, { plug }] of this.#plugged)
      if (wanted.get(portId)?.path !== plug.path || wanted.get(portId)?.instanceId !== plug.instanceId)
        this.#pull(portId);
    for (const plug of state.plugs) if (!this.#plugged.has(plug.portId)) this.#plugIn(plug);
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
    return Object.fromEntries([...this.#plugged].map(([portId, { counters }]) => [portId, counters]));
  }

  close(): void {
    for (const portId of this.#plugged.keys()) this.#pull(portId);
  }

  #pull(portId: string): void {
    this.#plugged.get(portId)?.connection.close();
    this.#plugged.delete(portId);
  }

  #plugIn(plug: SwitchPlug): void {
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
    this.#plugged.set(portId, { plug, connection, counters });
  }

  #carry(portId: string, bytes: Buffer, counters: PortCounters): void {
    count(counters.sent, bytes);
    const outcome = this.#outcomeOf(portId, bytes);
    if (outcome.kind === "deliver") this.#send(outcome.to, bytes, portId);
    else if (outcome.kind === "answer") {
      counters.answered += 1;
      this.#send(portId, outcome.frame, portId);
    } else (this.#plugged.get(outcome.to ?? portId)?.counters ?? counters).drop(outcome.reason);
  }

  #outcomeOf(portId: string, bytes: Buffer): Outcome {
    try {
      return switchFrame({ plan: this.#plan, memory: this.#memory }, portId, bytes, nowMs());
    } catch (error) {
      // Once: a guest could fill the log with it.
      if (!this.#hasFault) this.#events.say(`a frame of the port ${portId} met a fault: ${errorText(error)}`);
      this.#hasFault = true;
      return { kind: "drop", reason: "fault" };
    }
  }

  #send(portId: string, frame: Buffer, sender: string): void {
    const receiver = this.#plugged.get(portId);
    if (receiver === undefined) return;
    const { connection, counters } = receiver;
    if (connection.queue === undefined) counters.drop("notConnected");
    else if (!connection.queue.push(frame, sender)) counters.drop("queueFull");
    else {
      this.#unwritten.add(connection.queue);
      count(counters.received, frame);
    }
  }

  #write(): void {
    for (const queue of this.#unwritten) queue.flush();
    this.#unwritten.clear();
  }
}

const errorText = (error: unknown): string => (error instanceof Error && error.stack) || String(error);
