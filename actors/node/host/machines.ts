/**
 * The machine actors of a host: finds them, starts them, and drops those that are gone.
 *
 * It also keeps what must outlive a crash of a machine's actor: its runner (so that no two incarnations act
 * at once) and the answers it owes. It must never have two actors of one instance, nor forget one whose guest
 * may still be there.
 */
import type { Observation } from "../../../protocol/machine.ts";
import type { GuestEvent } from "../../ports/hypervisor.ts";
import type { ActorDefinition, ActorEnd, ActorRef } from "../../runtime/system.ts";
import { type Found, type LastWord, machineActor } from "../machine/actor.ts";
import { Answers } from "../machine/answers.ts";
import { type MachinePorts, MachineRunner } from "../machine/effects.ts";
import type { Lease } from "../machine/lease.ts";
import type { MachineMessage } from "../machine/messages.ts";
import { hostLimits } from "./limits.ts";

export interface MachinesOptions {
  readonly ports: MachinePorts;
  readonly publish: (observation: Observation, told: boolean) => void;
  /** The host lease at this moment. */
  readonly lease: () => Lease;
}

/** What a machine keeps from one incarnation to the next. */
interface Lasting {
  readonly runner: MachineRunner;
  readonly answers: Answers;
  readonly lastWord: LastWord;
}

/** The host actor, as parent of the machines. */
export interface Parent {
  spawn<C>(definition: ActorDefinition<unknown, C>): ActorRef<C>;
  onEnd(end: ActorEnd): void;
}

export class Machines {
  readonly #options: MachinesOptions;
  readonly #refs = new Map<string, ActorRef<MachineMessage>>();
  readonly #lasting = new Map<string, Lasting>();
  /** Living guests without a machine file: a controller may still ask for them. */
  readonly #strays = new Map<string, Found["guest"]>();
  /** Instances whose actor was given up by its supervisor: their next actor looks at the process itself. */
  readonly #broken = new Set<string>();
  /** Instances that another host may take over. */
  readonly #fenced = new Set<string>();

  constructor(options: MachinesOptions) {
    this.#options = options;
  }

  /** Call when the host actor begins anew: its children have ended with it. */
  clear(): void {
    this.#refs.clear();
    this.#strays.clear();
    this.#broken.clear();
  }

  find(instanceId: string): ActorRef<MachineMessage> | undefined {
    return this.#refs.get(instanceId);
  }

  /** Instances that have an actor. */
  get ids(): readonly string[] {
    return [...this.#refs.keys()];
  }

  get refs(): readonly ActorRef<MachineMessage>[] {
    return [...this.#refs.values()];
  }

  get fenced(): ReadonlySet<string> {
    return this.#fenced;
  }

  /** An unknown guest counts as fenced: another host may take it over. */
  mayBeFenced(instanceId: string): boolean {
    return this.#fenced.has(instanceId) || this.#refs.get(instanceId) === undefined;
  }

  /** Remembers whether another host may take over the instance, until its machine is gone. */
  noteSpec({ instanceId, fence }: { readonly instanceId: string; readonly fence: boolean }): void {
    if (fence) this.#fenced.add(instanceId);
  }

  noteStray(instanceId: string, guest: Found["guest"]): void {
    this.#strays.set(instanceId, guest);
  }

  /** Starts the actor of an instance that has none. `file`: the machine file, if the host has read it. */
  spawn(instanceId: string, file: Found["file"], by: Parent): ActorRef<MachineMessage> {
    const { ports, publish, lease } = this.#options;
    const lasting = this.#lasting.get(instanceId) ?? {
      runner: new MachineRunner(instanceId, ports),
      answers: new Answers(ports.clock),
      lastWord: { said: undefined },
    };
    this.#lasting.set(instanceId, lasting);
    const found = this.#broken.delete(instanceId) ? undefined : { file, guest: this.#strays.get(instanceId) };
    this.#strays.delete(instanceId);
    const ref = by.spawn(machineActor({ instanceId, ports, publish, found, lease, ...lasting }));
    this.#refs.set(instanceId, ref);
    ref.onEnd((end) => by.onEnd(end));
    return ref;
  }

  /**
   * False when the machine's mailbox is too full for another `ensure`: the rest of it is kept for messages of
   * its guest and its work.
   */
  static hasRoom(ref: ActorRef<MachineMessage>): boolean {
    return ref.waiting < hostLimits.machineEnsuresMax;
  }

  /**
   * Call when the actor of an instance has ended, because its machine is gone or its supervisor gave up. The
   * next question starts a new actor.
   */
  ended(instanceId: string, how: ActorEnd["how"]): void {
    this.#refs.delete(instanceId);
    if (how === "stopped") {
      this.#lasting.delete(instanceId);
      this.#fenced.delete(instanceId);
    } else this.#broken.add(instanceId);
  }

  /**
   * Passes a guest's event to its actor, and answers whether it was taken. A guest without an actor that ends
   * is no longer a stray.
   */
  hear(event: GuestEvent): boolean {
    const { instanceId, kind } = event;
    const ref = this.#refs.get(instanceId);
    const why = kind === "lost" ? event.why : undefined;
    const pausedBy = kind === "paused" ? event.why : undefined;
    const place = kind === "ejected" ? event.place : undefined;
    if (ref !== undefined) return ref.tell({ kind: "guest", event: kind, why, pausedBy, place });
    if (kind === "lost") this.#strays.delete(instanceId);
    return true;
  }
}
