/**
 * The one kind of loop: rounds, one after another, for ever. A loop remembers its last round, so that a
 * person who debugs sees which loop stands still. A round itself reports errors, and that it failed; a round
 * that throws is a bug: the error is logged, and the next round comes all the same. It must never run two
 * rounds of one loop at once, unless asked to.
 *
 * In an actor a round is a turn (`periodicActor`), and a round that throws is a crash; every other loop has a
 * `Periodic` of its own.
 */
import type { Clock, Log, Timer } from "../../protocol/wire/transport.ts";
import type { ActorContext, ActorDefinition } from "./system.ts";

export interface LastRound {
  /** On Clock.monotonicMs. */
  readonly beganAtMs: number;
  readonly tookMs: number;
  /** Whether the round, or a part of it, failed. */
  readonly failed: boolean;
}

/** A round's way to report on itself. */
export interface Round {
  /** Marks the round as failed; the next round tries again. */
  fail(): void;
}

/** A loop as it is shown to people who debug. */
export interface Loop {
  readonly name: string;
  /** Undefined before the first round has ended. */
  readonly last: LastRound | undefined;
}

class Rounds implements Loop {
  readonly name: string;
  last: LastRound | undefined;

  constructor(name: string) {
    this.name = name;
  }

  async run<T>(clock: Clock, work: (round: Round) => Promise<T>): Promise<T> {
    const beganAtMs = clock.monotonicMs();
    let failed = true;
    let saidSo = false;
    const fail = () => {
      saidSo = true;
    };
    try {
      const result = await work({ fail });
      failed = saidSo;
      return result;
    } finally {
      this.last = { beganAtMs, tookMs: clock.monotonicMs() - beganAtMs, failed };
    }
  }
}

export interface PeriodicOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Time from the end of a round to the beginning of the next; asked for anew each time. */
  readonly pauseMs: () => number;
  /** True: the pause counts from the beginning of a round, however long it takes, so rounds may overlap. */
  readonly overlapping?: boolean;
  round(round: Round): Promise<void>;
}

export class Periodic {
  readonly #options: PeriodicOptions;
  readonly #rounds: Rounds;
  #timer: Timer | undefined;
  #underWay: Promise<void> | undefined;
  #stopped = false;

  constructor(options: PeriodicOptions) {
    this.#options = options;
    this.#rounds = new Rounds(options.name);
  }

  get loop(): Loop {
    return this.#rounds;
  }

  /** Begins the first round now; resolves when it has ended. Does nothing after `stop`. */
  async start(): Promise<void> {
    if (!this.#stopped) await this.#begin();
  }

  /**
   * Begins the next round, or the first, after `inMs`; does nothing during a round, whose end plans the next.
   */
  next(inMs: number = this.#options.pauseMs()): void {
    if (this.#stopped || (this.#busy && !this.#options.overlapping)) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(inMs, () => void this.#begin());
  }

  /** Begins no further round; resolves when the one under way has ended. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#underWay;
  }

  get #busy(): boolean {
    return this.#underWay !== undefined;
  }

  #begin(): Promise<void> {
    const { clock, log, name, overlapping = false, round } = this.#options;
    if (overlapping) this.next();
    const ended = this.#rounds
      .run(clock, (one) => round(one))
      .catch((thrown: unknown) =>
        log.error({ err: thrown, loop: name }, "A round threw; the next one comes."),
      )
      .then(() => {
        if (this.#underWay === ended) this.#underWay = undefined;
        if (!overlapping) this.next();
      });
    this.#underWay = ended;
    return ended;
  }
}

export interface Tick {
  readonly kind: "tick";
}

export interface PeriodicActorOptions<S> {
  readonly name: string;
  /** Time from the end of a round to the beginning of the next, and before the first. */
  readonly periodMs: number;
  /** The state before the first round, and again after a crash. */
  begin(context: ActorContext<Tick>): S;
  /** One round; answers the state of the next one. A throw is a crash of the actor. */
  round(state: S, context: ActorContext<Tick>, round: Round): Promise<S>;
}

export interface PeriodicActor<S> extends ActorDefinition<S, Tick> {
  readonly loop: Loop;
}

/** An actor whose only message is the tick of its own clock. */
export function periodicActor<S>(options: PeriodicActorOptions<S>): PeriodicActor<S> {
  const { name, periodMs } = options;
  const rounds = new Rounds(name);
  return {
    name,
    loop: rounds,
    init: async (context) => {
      tickLater(context, periodMs);
      return options.begin(context);
    },
    receive: async (state, _tick, context) => {
      const next = await rounds.run(context.clock, (round) => options.round(state, context, round));
      tickLater(context, periodMs);
      return next;
    },
  };
}

/** Plans the next tick of this incarnation; the next incarnation begins with a tick of its own. */
function tickLater({ clock, signal, self }: ActorContext<Tick>, periodMs: number): void {
  const cancel = () => timer.cancel();
  const timer = clock.after(periodMs, () => {
    signal.removeEventListener("abort", cancel);
    if (!signal.aborted) self.tell({ kind: "tick" });
  });
  signal.addEventListener("abort", cancel, { once: true });
}
