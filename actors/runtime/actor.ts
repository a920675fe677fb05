/**
 * Actors on nact: the only file that imports it.
 *
 * nact gives turns: one at a time for an actor, fairly between actors. It is used for nothing else, because
 * its stop does not wait, its queries can be answered by somebody else, its mailboxes are unbounded and die
 * with a crash, its restarts have no limit, and it copies the map of an actor's children with every message
 * (spec/decisions/0001). So every nact actor here is a nameless child of a root that gets no messages, and
 * each message it gets is the actor core (actor-core.ts) to run.
 */
import { type ActorSystemRef, dispatch, type Ref, type SupervisionActorFunc, spawn, start, stop } from "nact";
import { StatusError } from "../../protocol/wire/status.ts";
import { ActorCore, type Parent, type Runnable, type Runtime, type Thread } from "./actor-core.ts";
import { Family } from "./family.ts";
import { type Meter, nullMeter } from "./meter.ts";
import { meterActors } from "./metered.ts";
import { Deadlines } from "./question.ts";
import type {
  ActorDefinition,
  ActorPicture,
  ActorRef,
  ActorSystem,
  ActorSystemOptions,
  SupervisionEvent,
} from "./system.ts";

/** One turn of nact. The actor core catches everything that user code can throw. */
async function turn(_state: undefined, cell: Runnable): Promise<undefined> {
  await cell.run();
  return undefined;
}

class NactThread implements Thread {
  readonly #ref: Ref<Runnable>;
  readonly #cell: Runnable;

  constructor(ref: Ref<Runnable>, cell: Runnable) {
    this.#ref = ref;
    this.#cell = cell;
  }

  wake(): void {
    dispatch(this.#ref, this.#cell);
  }

  end(): void {
    stop(this.#ref);
  }
}

class System implements ActorSystem, Runtime, Parent {
  readonly clock: ActorSystemOptions["clock"];
  readonly log: ActorSystemOptions["log"];
  readonly meter: Meter;
  readonly deadlines: Deadlines;
  readonly path = "";
  readonly family = new Family();
  readonly #root = start();
  readonly #listeners: ((event: SupervisionEvent) => void)[] = [];
  #threads = 0;
  #busy = 0;
  #stopping: Promise<void> | undefined;

  constructor({ clock, log, meter = nullMeter }: ActorSystemOptions) {
    this.clock = clock;
    this.log = log;
    this.meter = meter;
    this.deadlines = new Deadlines(clock);
    meterActors(meter, clock, () => this.look());
  }

  get busy(): number {
    return this.#busy;
  }

  spawn<S, M>(definition: ActorDefinition<S, M>): ActorRef<M> {
    if (this.#stopping !== undefined) {
      throw new StatusError("shuttingDown", `The process ends; ${definition.name} is not started any more.`);
    }
    return new ActorCore(this, this, definition);
  }

  look(): Iterable<ActorPicture> {
    return this.family.look();
  }

  onSupervision(listener: (event: SupervisionEvent) => void): void {
    this.#listeners.push(listener);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  count(change: 1 | -1): void {
    this.#busy += change;
  }

  /**
   * Names are numbers that are never used again: a nact reference is a path, and must not reach a later
   * actor.
   */
  thread(cell: Runnable): Thread {
    this.#threads += 1;
    const name = this.#threads.toString(36);
    return new NactThread(spawn(this.#root, turn, name, { onCrash: this.#impossible }), cell);
  }

  supervised(event: SupervisionEvent): void {
    const { kind, actor, incarnation, backoffMs, cause } = event;
    const fields = { actor, incarnation, backoffMs, err: cause };
    if (kind === "failed") this.log.error(fields, "An actor failed; its supervisor has given up.");
    else this.log.warn(fields, "An actor crashed and is restarted.");
    this.meter.count("novact_actor_restarts_total", { how: kind });
    for (const listener of this.#listeners) this.#notify(listener, event);
  }

  #notify(listener: (event: SupervisionEvent) => void, event: SupervisionEvent): void {
    try {
      listener(event);
    } catch (thrown) {
      this.log.error({ actor: event.actor, err: thrown }, "A supervision listener threw.");
    }
  }

  /**
   * Stops actors one after the other, youngest first, so that an older actor still serves a younger one. When
   * an actor hangs, stops all remaining actors at once.
   */
  async #stopAll(): Promise<void> {
    const hurried: Promise<void>[] = [];
    let hurry = false;
    for (const actor of this.family.youngestFirst()) {
      actor.onEnd((end) => {
        hurry ||= end.how === "failed";
      });
      const stopped = actor.stop();
      if (hurry) hurried.push(stopped);
      else await stopped;
    }
    await Promise.all(hurried);
    stop(this.#root);
  }

  /**
   * nact's default would write to the console and escalate. Only a bug of actor-core.ts leads here, and the
   * bug must be seen.
   */
  readonly #impossible: SupervisionActorFunc<Runnable, ActorSystemRef, Ref<unknown>> = (
    _,
    error,
    context,
  ) => {
    this.log.error({ err: error }, "The actor runtime itself threw: one actor hangs.");
    return context.stop;
  };
}

/** Makes an empty system. Its actors live until `stop`; it starts no timer and no work by itself. */
export function createActorSystem(options: ActorSystemOptions): ActorSystem {
  return new System(options);
}
