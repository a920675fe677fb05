/**
 * The one kind of loop: an actor whose only message is its own tick, and whose turn is a round. So a loop is
 * supervised as every actor is: a round that throws is a crash, and the next incarnation goes on after a
 * back-off. A round that has not ended after its time is given up, which is a crash as well: its signal is
 * aborted, and what it does later counts for nothing. A loop remembers its last round, and which rounds hang,
 * for people who debug.
 *
 * A round reports ordinary trouble by `fail`, and is tried again with the next one. A loop must never run two
 * rounds at once, but for one that was given up, or when it was made to let them overlap.
 */
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock, Log, Timer } from "../../protocol/wire/transport.ts";
import { actorLimits } from "./limits.ts";
import type { LastRound, Loop } from "./loop.ts";
import type { ActorContext, ActorDefinition, ActorRef, ActorSystem } from "./system.ts";

/** A round's way to report on itself. */
export interface Round {
  /** Aborted when the round is given up, or its loop is stopped. */
  readonly signal: AbortSignal;
  /** Marks the round as failed; the next round tries again. */
  fail(): void;
  /** Says what the round has done, in a few words, for people: `3 instances nudged`. */
  did(what: string): void;
}

export interface LoopOptions {
  readonly name: string;
  /** Time from the end of a round to the beginning of the next; asked for anew each time. */
  readonly pauseMs: () => number;
  /** A round that takes longer is given up. Absent: actorLimits.roundMsMax. */
  readonly roundMsMax?: number;
  /** True: the pause counts from the beginning of a round, however long it takes, so rounds may overlap. */
  readonly overlapping?: boolean;
}

/** The rounds of one loop, over all incarnations of its actor. */
export class Rounds implements Loop {
  readonly name: string;
  readonly roundMsMax: number;
  last: LastRound | undefined;
  rounds = 0;
  hanging = 0;
  readonly #underWay = new Set<{ readonly beganAtMs: number }>();
  readonly #pauseMs: () => number;

  constructor(options: LoopOptions) {
    this.name = options.name;
    this.roundMsMax = options.roundMsMax ?? actorLimits.roundMsMax;
    this.#pauseMs = options.pauseMs;
  }

  get pauseMs(): number {
    return this.#pauseMs();
  }

  get underWaySinceMs(): number | undefined {
    for (const { beganAtMs } of this.#underWay) return beganAtMs;
    return undefined;
  }

  /** @throws what the round throws; DEADLINE_EXCEEDED timeout when it was given up */
  async run<T>(context: Around, work: (round: Round) => Promise<T>): Promise<T> {
    const { clock, signal } = context;
    const round = { beganAtMs: clock.monotonicMs() };
    let failed = false;
    let what = "";
    const fail = () => {
      failed = true;
    };
    const did = (done: string) => {
      what = done;
    };
    this.#underWay.add(round);
    try {
      // Each round that hangs holds something: there must not be ever more of them.
      if (this.hanging >= actorLimits.roundsHangingMax) throw this.#hangs();
      return await this.#inTime(context, async () => work({ signal, fail, did }));
    } catch (thrown) {
      failed = true;
      throw thrown;
    } finally {
      this.#underWay.delete(round);
      this.rounds += 1;
      this.last = { ...round, tookMs: clock.monotonicMs() - round.beganAtMs, failed, did: what };
    }
  }

  async #inTime<T>({ clock, log }: Around, work: () => Promise<T>): Promise<T> {
    const { name, roundMsMax } = this;
    const late = Promise.withResolvers<never>();
    const working = work();
    const timer = clock.after(roundMsMax, () => {
      this.hanging += 1;
      const ended = (how: object) => {
        this.hanging -= 1;
        log.warn({ loop: name, ...how }, "A round that had been given up has ended after all.");
      };
      working.then(
        () => ended({}),
        (err: unknown) => ended({ err }),
      );
      late.reject(new StatusError("timeout", `A round of ${name} has not ended after ${roundMsMax} ms.`));
    });
    try {
      return await Promise.race([working, late.promise]);
    } finally {
      timer.cancel();
    }
  }

  #hangs(): StatusError {
    return new StatusError("timeout", `${this.hanging} rounds of ${this.name} have not ended.`);
  }
}

interface Around {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export type Tick =
  | { readonly kind: "tick" }
  /** An overlapping round threw, which is to be a crash of the loop. */
  | { readonly kind: "threw"; readonly error: unknown };

export interface PeriodicActorOptions<S> extends LoopOptions {
  /** The state before the first round, and again after a crash. */
  begin(context: ActorContext<Tick>): S;
  /** One round; answers the state of the next one. A throw is a crash of the actor. */
  round(state: S, context: ActorContext<Tick>, round: Round): Promise<S>;
}

export interface PeriodicActor<S> extends ActorDefinition<S, Tick> {
  readonly loop: Loop;
  /** Begins the next round after `inMs`; does nothing during a round, whose end plans the next. */
  next(inMs: number): void;
}

/** When the next tick is due. The timer outlives no incarnation, and there is one at most. */
class Ticker {
  readonly #pauseMs: () => number;
  #context: ActorContext<Tick> | undefined;
  #timer: Timer | undefined;
  /** What was asked for while there was no incarnation. */
  #wantedMs: number | undefined;
  /** A tick is in the mailbox: another one would be a round too many. */
  #told = false;
  busy = false;

  constructor(pauseMs: () => number) {
    this.#pauseMs = pauseMs;
  }

  begin(context: ActorContext<Tick>): void {
    this.#context = context;
    this.busy = false;
    context.signal.addEventListener("abort", () => this.#end(context), { once: true });
    this.plan(this.#wantedMs);
    this.#wantedMs = undefined;
  }

  /** Call when a tick is taken from the mailbox. */
  taken(): void {
    this.#told = false;
  }

  plan(inMs = this.#pauseMs()): void {
    const context = this.#context;
    this.#timer?.cancel();
    if (context === undefined) this.#wantedMs = inMs;
    else if (inMs <= 0) this.#tick(context);
    else this.#timer = context.clock.after(inMs, () => this.#tick(context));
  }

  #tick(context: ActorContext<Tick>): void {
    if (context.signal.aborted || this.#told) return;
    this.#told = context.self.tell({ kind: "tick" });
    // A tick that found no room would be the loop's last one.
    if (!this.#told) this.plan(Math.max(1, this.#pauseMs()));
  }

  #end(context: ActorContext<Tick>): void {
    if (this.#context !== context) return;
    this.#timer?.cancel();
    this.#context = undefined;
  }
}

/** An actor whose only message is the tick of its own clock. */
export function periodicActor<S>(options: PeriodicActorOptions<S>): PeriodicActor<S> {
  const { name, pauseMs, overlapping = false } = options;
  const rounds = new Rounds(options);
  const ticker = new Ticker(pauseMs);
  const run = (state: S, context: ActorContext<Tick>) =>
    rounds.run(context, (round) => options.round(state, context, round));
  return {
    name,
    kind: "loop",
    loop: rounds,
    next: (inMs) => {
      if (!ticker.busy || overlapping) ticker.plan(inMs);
    },
    init: async (context) => {
      ticker.begin(context);
      return options.begin(context);
    },
    receive: async (state, tick, context) => {
      // Before anything can throw: a tick that was taken and forgotten would be the loop's last one.
      ticker.taken();
      if (tick.kind === "threw") throw tick.error;
      if (overlapping) {
        ticker.plan();
        run(state, context).catch((error: unknown) => context.self.tell({ kind: "threw", error }));
        return state;
      }
      ticker.busy = true;
      const next = await run(state, context);
      ticker.busy = false;
      ticker.plan();
      return next;
    },
  };
}

export interface PeriodicOptions extends LoopOptions {
  round(round: Round): Promise<void>;
  /**
   * Called when the loop's supervisor has given it up: without it, its process is of no use. Absent: the
   * process goes on, and the loop is made anew after actorLimits.restartWindowMs.
   */
  readonly onFailed?: (() => void) | undefined;
}

type Spawning = Pick<ActorSystem, "spawn" | "clock">;

/** A loop without a state of its own, as whoever begins, hurries and ends it holds it. */
export class Periodic {
  readonly #system: Spawning;
  readonly #options: PeriodicOptions;
  readonly #first = Promise.withResolvers<void>();
  readonly #definition: PeriodicActor<null>;
  #actor: ActorRef<Tick> | undefined;
  #again: Timer | undefined;
  #stopped = false;

  constructor(system: Spawning, options: PeriodicOptions) {
    this.#system = system;
    this.#options = options;
    this.#definition = periodicActor<null>({
      ...options,
      begin: () => null,
      round: async (_state, _context, round) => {
        await options.round(round).finally(() => this.#first.resolve());
        return null;
      },
    });
  }

  get loop(): Loop {
    return this.#definition.loop;
  }

  /** Begins the first round now; resolves when it has ended, however. Does nothing after `stop`. */
  async start(): Promise<void> {
    if (this.#stopped) return;
    this.next(0);
    await this.#first.promise;
  }

  /**
   * Begins the next round, or the first, after `inMs`; does nothing during a round, whose end plans the next.
   */
  next(inMs: number = this.#options.pauseMs()): void {
    if (this.#stopped) return;
    this.#actor ??= this.#spawn();
    this.#definition.next(inMs);
  }

  /** Begins no further round; resolves when the one under way has ended, or was given up. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#again?.cancel();
    await this.#actor?.stop();
    this.#first.resolve();
  }

  #spawn(): ActorRef<Tick> {
    const ref = this.#system.spawn(this.#definition);
    ref.onEnd(({ how }) => {
      this.#first.resolve();
      if (how === "failed" && !this.#stopped) this.#givenUp();
    });
    return ref;
  }

  #spawnAgain(): void {
    try {
      this.#actor = this.#spawn();
    } catch (thrown) {
      // The process ends, and nobody has stopped the loop by itself.
      if (StatusError.from(thrown, "Beginning a loop again").reason !== "shuttingDown") throw thrown;
    }
  }

  #givenUp(): void {
    const { onFailed } = this.#options;
    if (onFailed !== undefined) onFailed();
    else
      this.#again = this.#system.clock.after(actorLimits.restartWindowMs, () => {
        if (!this.#stopped) this.#spawnAgain();
      });
  }
}
