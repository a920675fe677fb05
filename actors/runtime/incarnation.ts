/**
 * One life of an actor between two crashes, as its turns see it. An effect that keeps it keeps the signal and
 * the number of *its* incarnation, so that a late result can be told from one meant for the next incarnation.
 * It must never come to life again after `end`.
 */
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import type { ActorContext, ActorDefinition, ActorRef } from "./system.ts";

/** The actor that an incarnation belongs to. */
export interface Owner<M> extends ActorRef<M> {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  spawnChild<C>(definition: ActorDefinition<unknown, C>): ActorRef<C>;
}

export class Incarnation<M> implements ActorContext<M> {
  readonly incarnation: number;
  readonly #owner: Owner<M>;
  /** Made on first use of the signal: most idle actors never need one. */
  #controller: AbortController | undefined;
  #ended = false;

  constructor(owner: Owner<M>, incarnation: number) {
    this.#owner = owner;
    this.incarnation = incarnation;
  }

  get self(): ActorRef<M> {
    return this.#owner;
  }

  get clock(): Clock {
    return this.#owner.clock;
  }

  get log(): Log {
    return this.#owner.log;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  spawn<C>(definition: ActorDefinition<unknown, C>): ActorRef<C> {
    if (this.#ended) {
      throw new StatusError("actorStopped", `${this.#owner.path} has ended and can have no new child.`);
    }
    return this.#owner.spawnChild(definition);
  }

  end(): void {
    this.#ended = true;
    this.#controller?.abort();
  }
}
