/**
 * The instance actors of one controller: loaded on demand, passivated when idle, made anew when they ended.
 *
 * A registry in memory, not an actor: the parent of thousands must not have a mailbox of its own. That two
 * controllers may have the same instance loaded is harmless (the row's version decides); that one controller
 * has it twice is avoided.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import type { Clock, Timer } from "../../../protocol/wire/transport.ts";
import type { LoadedInstance } from "../../records/instance.ts";
import type { ActorRef, ActorSystem, AskOptions, Reply } from "../../runtime/system.ts";
import { type InstanceActorOptions, instanceDefinition } from "./actor.ts";
import type { InstanceMessage } from "./messages.ts";

interface Entry {
  readonly ref: ActorRef<InstanceMessage>;
  usedAtMs: number;
}

export class InstanceRegistry {
  readonly #system: ActorSystem;
  readonly #clock: Clock;
  readonly #options: InstanceActorOptions;
  /** In order of use: the first is the one that was idle longest. */
  readonly #entries = new Map<string, Entry>();
  /** On their way out; whoever wants them waits for it. */
  readonly #leaving = new Map<string, Promise<void>>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(system: ActorSystem, options: Omit<InstanceActorOptions, "deliver">) {
    this.#system = system;
    this.#clock = options.clock;
    this.#options = { ...options, deliver: (id, message) => void this.tell(id, message) };
    this.#sweepLater();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether an actor of it is here. */
  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** @throws what the actor answers; UNAVAILABLE actorStopped, RESOURCE_EXHAUSTED mailboxFull */
  async ask<A>(id: string, message: (reply: Reply<A>) => InstanceMessage, options: AskOptions): Promise<A> {
    await this.#leaving.get(id);
    return this.#entry(id).ref.ask(message, options);
  }

  /**
   * A message that nobody waits for; lost when the actor is too busy or the process ends, and then asked for
   * again by a reconciler. Never rejects.
   */
  async tell(id: string, message: InstanceMessage): Promise<void> {
    await this.#leaving.get(id);
    if (!this.#closed) this.#entry(id).ref.tell(message);
  }

  /**
   * The actor of an instance that was just created: it begins with what was committed, and does what that
   * asks for.
   */
  adopt(loaded: LoadedInstance): void {
    this.#entry(loaded.instance.id, loaded).ref.tell({ kind: "tellHosts" });
  }

  /** Before the actors are stopped: what hosts still answer brings none of them back. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #entry(id: string, seed?: LoadedInstance): Entry {
    const known = this.#entries.get(id);
    const entry = known ?? { ref: this.#spawn(id, seed), usedAtMs: 0 };
    entry.usedAtMs = this.#clock.monotonicMs();
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    if (known === undefined && this.#entries.size > limits.instanceActorsMax) this.#passivateOldest();
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

  #sweepLater(): void {
    this.#timer = this.#clock.after(limits.passivateSweepMs, () => {
      const idleSinceMs = this.#clock.monotonicMs() - limits.passivateAfterMs;
      for (const [id, entry] of this.#entries) {
        if (entry.usedAtMs > idleSinceMs) break;
        if (entry.ref.waiting === 0) this.#passivate(id, entry);
      }
      this.#sweepLater();
    });
  }
}
