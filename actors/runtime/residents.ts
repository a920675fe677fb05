/**
 * The residents of one kind that a process has in memory: their actors are loaded on demand, passivated when
 * idle, and made anew when they ended.
 *
 * A registry in memory, not an actor: the parent of thousands must not have a mailbox of its own. Two
 * controllers may have the same resident loaded, which is harmless (the version of its rows decides); one
 * controller must not have it twice, and none may be passivated while messages wait for it.
 */
import { Periodic, type Round } from "./periodic.ts";
import { type ResidentKind, type ResidentOptions, residentDefinition } from "./resident.ts";
import type { ActorRef, ActorSystem, AskOptions, Reply } from "./system.ts";

export interface ResidentsLimits {
  /** Residents in memory; beyond, the least recently used idle one leaves first. */
  readonly residentsMax: number;
  /** How often idle ones are looked for. */
  readonly sweepPeriodMs: number;
  /** A resident without a message leaves memory after this time. */
  readonly idleMs: number;
}

export interface ResidentsOptions<L, E, M, F> extends ResidentOptions {
  readonly limits: ResidentsLimits;
  /** `deliver`: sends a message to a resident of this kind, for the results of effects. */
  readonly kind: (deliver: (id: string, message: M) => void) => ResidentKind<L, E, M, F>;
}

export interface ResidentsPicture {
  readonly noun: string;
  readonly loaded: number;
  /** Those being passivated. */
  readonly leaving: number;
  /** Messages in all their mailboxes. */
  readonly waiting: number;
}

interface Entry<M> {
  readonly ref: ActorRef<M>;
  usedAtMs: number;
}

export class Residents<L, E, M, F> {
  readonly #system: ActorSystem;
  readonly #options: ResidentsOptions<L, E, M, F>;
  readonly #kind: ResidentKind<L, E, M, F>;
  /** In order of last use: the first entry has been idle longest. */
  readonly #entries = new Map<string, Entry<M>>();
  /** Actors that are being stopped; a message for one waits until it has ended. */
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #sweeps: Periodic;
  #closed = false;

  constructor(system: ActorSystem, options: ResidentsOptions<L, E, M, F>) {
    this.#system = system;
    this.#options = options;
    this.#kind = options.kind((id, message) => void this.tell(id, message));
    this.#sweeps = new Periodic(system, {
      name: `${this.#kind.noun}-registry`,
      pauseMs: () => options.limits.sweepPeriodMs,
      round: async (round) => this.#sweep(round),
    });
    this.#sweeps.next();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The residents as they are shown to people who debug. */
  look(): ResidentsPicture {
    let waiting = 0;
    for (const { ref } of this.#entries.values()) waiting += ref.waiting;
    return { noun: this.#kind.noun, loaded: this.#entries.size, leaving: this.#leaving.size, waiting };
  }

  /** Whether this process has an actor of the resident. */
  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** @throws what the actor answers; UNAVAILABLE actorStopped, RESOURCE_EXHAUSTED mailboxFull */
  async ask<A>(id: string, message: (reply: Reply<A>) => M, options: AskOptions): Promise<A> {
    await this.#leaving.get(id);
    return this.#entry(id).ref.ask(message, options);
  }

  /**
   * Sends a message without an answer. It is lost when the actor is too busy or the process ends; whoever
   * nudges residents then asks for the same work again. Never rejects.
   */
  async tell(id: string, message: M): Promise<void> {
    await this.#leaving.get(id);
    if (!this.#closed) this.#entry(id).ref.tell(message);
  }

  /** Starts the actor of a resident that was just made, with the committed rows and a first message. */
  begin(id: string, loaded: L, message: M): void {
    this.#entry(id, loaded).ref.tell(message);
  }

  /** Call before the actors are stopped: results of effects must not load any of them again. */
  close(): void {
    this.#closed = true;
    void this.#sweeps.stop();
  }

  #entry(id: string, seed?: L): Entry<M> {
    const known = this.#entries.get(id);
    const entry = known ?? { ref: this.#spawn(id, seed), usedAtMs: 0 };
    entry.usedAtMs = this.#options.clock.monotonicMs();
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    if (known === undefined && this.#entries.size > this.#options.limits.residentsMax)
      this.#passivateOldest();
    return entry;
  }

  #spawn(id: string, seed: L | undefined): ActorRef<M> {
    const ref = this.#system.spawn(residentDefinition(this.#kind, id, this.#options, seed));
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

  #passivate(id: string, entry: Entry<M>): void {
    this.#entries.delete(id);
    const left = entry.ref.stop().finally(() => this.#leaving.delete(id));
    this.#leaving.set(id, left);
  }

  #sweep({ did }: Round): void {
    const before = this.#entries.size;
    const idleSinceMs = this.#options.clock.monotonicMs() - this.#options.limits.idleMs;
    for (const [id, entry] of this.#entries) {
      if (entry.usedAtMs > idleSinceMs) break;
      if (entry.ref.waiting === 0) this.#passivate(id, entry);
    }
    did(`${before - this.#entries.size} of ${before} passivated`);
  }
}
