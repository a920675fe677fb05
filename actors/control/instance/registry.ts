/**
 * The instance actors of one controller: loaded on demand, passivated when idle, made anew when they ended.
 *
 * A registry in memory, not an actor: the parent of thousands must not have a mailbox of its own. Two
 * controllers may have the same instance loaded, which is harmless (the row's version decides); one
 * controller must not have it twice.
 */
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { LoadedInstance } from "../../records/instance.ts";
import { Periodic } from "../../runtime/periodic.ts";
import type { ActorRef, ActorSystem, AskOptions, Reply } from "../../runtime/system.ts";
import { type InstanceActorOptions, instanceDefinition } from "./actor.ts";
import { instanceLimits } from "./limits.ts";
import type { InstanceMessage } from "./messages.ts";

interface Entry {
  readonly ref: ActorRef<InstanceMessage>;
  usedAtMs: number;
}

export class InstanceRegistry {
  readonly #system: ActorSystem;
  readonly #clock: Clock;
  readonly #options: InstanceActorOptions;
  /** In order of last use: the first entry has been idle longest. */
  readonly #entries = new Map<string, Entry>();
  /** Actors that are being stopped; a message for one waits until it has ended. */
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #sweeps: Periodic;
  #closed = false;

  constructor(system: ActorSystem, options: Omit<InstanceActorOptions, "deliver">) {
    this.#system = system;
    this.#clock = options.clock;
    this.#options = { ...options, deliver: (id, message) => void this.tell(id, message) };
    const { clock, log } = options;
    this.#sweeps = new Periodic({
      ...{ name: "registry", clock, log },
      pauseMs: () => instanceLimits.passivateSweepMs,
      round: async () => this.#sweep(),
    });
    this.#sweeps.next();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether this controller has an actor of the instance. */
  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** @throws what the actor answers; UNAVAILABLE actorStopped, RESOURCE_EXHAUSTED mailboxFull */
  async ask<A>(id: string, message: (reply: Reply<A>) => InstanceMessage, options: AskOptions): Promise<A> {
    await this.#leaving.get(id);
    return this.#entry(id).ref.ask(message, options);
  }

  /**
   * Sends a message without an answer. It is lost when the actor is too busy or the process ends; a
   * reconciler then asks for the same work again. Never rejects.
   */
  async tell(id: string, message: InstanceMessage): Promise<void> {
    await this.#leaving.get(id);
    if (!this.#closed) this.#entry(id).ref.tell(message);
  }

  /**
   * Starts the actor of an instance that was just created: it begins with the committed rows, and tells the
   * hosts.
   */
  adopt(loaded: LoadedInstance): void {
    this.#entry(loaded.instance.id, loaded).ref.tell({ kind: "tellHosts" });
  }

  /** Call before the actors are stopped: answers of hosts must not load any of them again. */
  close(): void {
    this.#closed = true;
    void this.#sweeps.stop();
  }

  #entry(id: string, seed?: LoadedInstance): Entry {
    const known = this.#entries.get(id);
    const entry = known ?? { ref: this.#spawn(id, seed), usedAtMs: 0 };
    entry.usedAtMs = this.#clock.monotonicMs();
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    if (known === undefined && this.#entries.size > instanceLimits.instanceActorsMax) this.#passivateOldest();
    return entry;
  }

  #spawn(id: string, seed: LoadedInstance | undefined): ActorRef<InstanceMessage> {
    const ref = this.#system.spawn(instanceDefinition(id, this.#options, seed));
    ref.onEnd(() => {
      if (this.#entries.get(id)?.ref === ref) this.#entries.delete(id);
    });
    return ref;
  }

  #passivateOldest(): void {
    for (const [id, entry] of this.#entries) {
      if (entry.ref.waiting > 0) continue;
      this.#passivate(id, entry);
      return;
    }
  }

  #passivate(id: string, entry: Entry): void {
    this.#entries.delete(id);
    const left = entry.ref.stop().finally(() => this.#leaving.delete(id));
    this.#leaving.set(id, left);
  }

  #sweep(): void {
    const idleSinceMs = this.#clock.monotonicMs() - instanceLimits.passivateAfterMs;
    for (const [id, entry] of this.#entries) {
      if (entry.usedAtMs > idleSinceMs) break;
      if (entry.ref.waiting === 0) this.#passivate(id, entry);
    }
  }
}
