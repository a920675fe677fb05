/**
 * The machine actors of a host: finds them, brings them into being, and lets go of those that are gone.
 *
 * What must outlive a crash of an actor hangs here: its runner (so that no two incarnations act at once) and
 * the answers it owes. It must never have two actors of one instance, nor forget one whose guest may still be
 * there.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import type { Observation } from "../../../protocol/machine.ts";
import type { GuestEvent } from "../../ports/hypervisor.ts";
import type { ActorDefinition, ActorEnd, ActorRef } from "../../runtime/system.ts";
import { type Found, machineActor } from "../machine/actor.ts";
import { Answers } from "../machine/answers.ts";
import { type MachinePorts, MachineRunner } from "../machine/effects.ts";
import type { Lease } from "../machine/lease.ts";
import type { MachineMessage } from "../machine/messages.ts";

export interface MachinesOptions {
  readonly ports: MachinePorts;
  readonly publish: (observation: Observation, told: boolean) => void;
  /** Of the host, at this moment. */
  readonly lease: () => Lease;
}

/** What a machine keeps from one incarnation to the next. */
interface Lasting {
  readonly runner: MachineRunner;
  readonly answers: Answers;
}

/** The host's actor. */
export interface Parent {
  spawn<C>(definition: ActorDefinition<unknown, C>): ActorRef<C>;
  onEnd(end: ActorEnd): void;
}

export class Machines {
  readonly #options: MachinesOptions;
  readonly #refs = new Map<string, ActorRef<MachineMessage>>();
  readonly #lasting = new Map<string, Lasting>();
  /** Living guests without a file: somebody may still ask for them. */
  readonly #strays = new Map<string, Found["guest"]>();
  /** Their supervisor gave up: the next actor of one finds out itself what is there. */
  readonly #broken = new Set<string>();
  /** Those that another host may take over. */
  readonly #fenced = new Set<string>();

  constructor(options: MachinesOptions) {
    this.#options = options;
  }

  /** The host's actor begins anew: its children have ended with it. */
  clear(): void {
    this.#refs.clear();
    this.#strays.clear();
    this.#broken.clear();
  }

  find(instanceId: string): ActorRef<MachineMessage> | undefined {
    return this.#refs.get(instanceId);
  }

  get refs(): readonly ActorRef<MachineMessage>[] {
    return [...this.#refs.values()];
  }

  get fenced(): ReadonlySet<string> {
    return this.#fenced;
  }

  /** Of a guest that nobody knows it cannot be said that nobody takes it over. */
  mayBeFenced(instanceId: string): boolean {
    return this.#fenced.has(instanceId) || this.#refs.get(instanceId) === undefined;
  }

  /** What is asked for, or was once: kept until the machine is gone. */
  noteSpec({ instanceId, fence }: { readonly instanceId: string; readonly fence?: boolean }): void {
    if (fence === true) this.#fenced.add(instanceId);
  }

  noteStray(instanceId: string, guest: Found["guest"]): void {
    this.#strays.set(instanceId, guest);
  }

  /** The actor of an instance that has none. `file`: what the host read of it. */
  spawn(instanceId: string, file: Found["file"], by: Parent): ActorRef<MachineMessage> {
    const { ports, publish, lease } = this.#options;
    const lasting = this.#lasting.get(instanceId) ?? {
      runner: new MachineRunner(instanceId, ports),
      answers: new Answers(ports.clock),
    };
    this.#lasting.set(instanceId, lasting);
    const found = this.#broken.delete(instanceId) ? undefined : { file, guest: this.#strays.get(instanceId) };
    this.#strays.delete(instanceId);
    const ref = by.spawn(machineActor({ instanceId, ports, publish, found, lease, ...lasting }));
    this.#refs.set(instanceId, ref);
    ref.onEnd((end) => by.onEnd(end));
    return ref;
  }

  /** False when the machine has too much to do: what its guest and its work say comes first. */
  static hasRoom(ref: ActorRef<MachineMessage>): boolean {
    return ref.waiting < limits.machineEnsuresMax;
  }

  /**
   * Its actor has ended: gone for good, or given up by its supervisor. The next question brings a new one
   * into being.
   */
  ended(instanceId: string, how: ActorEnd["how"]): void {
    this.#refs.delete(instanceId);
    if (how === "stopped") {
      this.#lasting.delete(instanceId);
      this.#fenced.delete(instanceId);
    } else this.#broken.add(instanceId);
  }

  /** A guest without an actor that ends is no stray any more. */
  hear(event: GuestEvent): boolean {
    const { instanceId, kind } = event;
    const ref = this.#refs.get(instanceId);
    if (ref !== undefined) return ref.tell({ kind: "guest", event: kind });
    if (kind === "lost") this.#strays.delete(instanceId);
    return true;
  }
}
