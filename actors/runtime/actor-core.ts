/**
 * The actor core, the class behind every actor: its mailbox, its present incarnation, its children, and the
 * way from `starting` to `ended`.
 *
 *   starting --init--> up --throw--> crashed --judged--> resting --back-off--> starting
 *      any of them --stop, or the supervisor gives up--> ending --turn, children, stopped--> ended
 *
 * nact calls `run`, one call at a time; everything else here may be called at any moment, also in the middle
 * of a turn. No exception of user code may leave this file, and it must never run two turns of one actor at
 * once.
 */
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock, Log, Timer } from "../../protocol/wire/transport.ts";
import { Family } from "./family.ts";
import { endsInTime } from "./grace.ts";
import { Incarnation, type Owner } from "./incarnation.ts";
import { actorLimits } from "./limits.ts";
import { Envelope, Mailbox, type Pending } from "./mailbox.ts";
import type { Meter } from "./meter.ts";
import { type Deadlines, Question } from "./question.ts";
import { judgeCrash } from "./supervision.ts";
import type {
  ActorDefinition,
  ActorEnd,
  ActorPicture,
  ActorRef,
  AskOptions,
  Reply,
  SupervisionEvent,
} from "./system.ts";

/** Gives an actor its turns: nact, until the actor has ended. */
export interface Thread {
  /** Calls `run` once, soon, after any call that is under way. */
  wake(): void;
  end(): void;
}

/** What all actors of a system share. */
export interface Runtime {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly deadlines: Deadlines;
  thread(run: Runnable): Thread;
  /** Counts the actors that have something to do. */
  count(change: 1 | -1): void;
  supervised(event: SupervisionEvent): void;
}

export interface Runnable {
  run(): Promise<void>;
}

/** The parent of an actor: another actor, or the system. */
export interface Parent {
  /** Empty for the system itself. */
  readonly path: string;
  readonly family: Family;
}

type Phase = ActorPicture["phase"];

export class ActorCore<S, M> implements Owner<M>, Runnable, Parent {
  readonly #runtime: Runtime;
  readonly #parent: Parent;
  readonly #definition: ActorDefinition<S, M>;
  readonly #mailbox = new Mailbox<M>();
  readonly #thread: Thread;
  #incarnation: Incarnation<M>;
  #phase: Phase = "starting";
  #state: S | undefined;
  #hasState = false;
  /** Woken, or in a turn. */
  #active = false;
  /** The question that the present turn answers. */
  #asked: Pending | undefined;
  // The fields below are made only when an actor needs them: an idle actor shall cost little.
  #postponed: Set<Pending> | undefined;
  #family: Family | undefined;
  #crashes: readonly number[] | undefined;
  #backoff: Timer | undefined;
  #watchers: ((end: ActorEnd) => void)[] | undefined;
  #onRest: (() => void) | undefined;
  #ending: Promise<void> | undefined;
  #end: ActorEnd | undefined;

  constructor(runtime: Runtime, parent: Parent, definition: ActorDefinition<S, M>) {
    this.#runtime = runtime;
    this.#parent = parent;
    this.#definition = definition;
    parent.family.add(this);
    this.#incarnation = new Incarnation(this, 1);
    this.#thread = runtime.thread(this);
    this.#wake();
  }

  get name(): string {
    return this.#definition.name;
  }

  get isLoop(): boolean {
    return this.#definition.loop !== undefined;
  }

  get path(): string {
    const above = this.#parent.path;
    return above === "" ? this.name : `${above}/${this.name}`;
  }

  get clock(): Clock {
    return this.#runtime.clock;
  }

  get log(): Log {
    return this.#runtime.log;
  }

  get family(): Family {
    this.#family ??= new Family();
    return this.#family;
  }

  get waiting(): number {
    return this.#mailbox.length;
  }

  *look(): Iterable<ActorPicture> {
    const { name, kind = name, loop } = this.#definition;
    const { path, waiting } = this;
    const { incarnation } = this.#incarnation;
    yield { path, kind, phase: this.#phase, incarnation, waiting, loop };
    if (this.#family !== undefined) yield* this.#family.look();
  }

  spawnChild<C>(definition: ActorDefinition<unknown, C>): ActorRef<C> {
    return new ActorCore(this.#runtime, this, definition);
  }

  tell(message: M): boolean {
    if (this.#refusal(this.#mailbox.length) !== undefined) return false;
    this.#put(new Envelope(message, undefined));
    return true;
  }

  ask<A>(message: (reply: Reply<A>) => M, options: AskOptions): Promise<A> {
    const refusal = this.#refusal(Math.max(this.#mailbox.length, this.#postponed?.size ?? 0));
    if (refusal !== undefined) return Promise.reject(refusal);
    let envelope: Envelope<M> | undefined;
    const { path: actor } = this;
    const question = new Question<A>({
      ...options,
      actor,
      deadlines: this.#runtime.deadlines,
      ended: (self) => {
        if (envelope !== undefined) this.#mailbox.remove(envelope);
        this.#postponed?.delete(self);
      },
    });
    if (question.done) return question.answer;
    try {
      envelope = new Envelope(message(question), question);
      this.#put(envelope);
    } catch (thrown) {
      question.fail(StatusError.from(thrown, `Wording a question to ${actor}`));
    }
    return question.answer;
  }

  onEnd(listener: (end: ActorEnd) => void): void {
    if (this.#end === undefined) {
      this.#watchers ??= [];
      this.#watchers.push(listener);
    } else this.#tellWatcher(listener, this.#end);
  }

  stop(): Promise<void> {
    return this.#beginEnding("stopped", undefined);
  }

  /** Runs a few turns; an actor with more messages waiting is woken again, behind the others. */
  async run(): Promise<void> {
    let more = true;
    for (let turns = 0; more && turns < actorLimits.turnsPerWake; turns += 1) more = await this.#step();
    // `stop` gave up waiting for this turn: the actor has ended already.
    if (!this.#active) return;
    this.#active = false;
    this.#runtime.count(-1);
    if (this.#phase === "starting" || (this.#phase === "up" && this.#mailbox.length > 0)) this.#wake();
    this.#onRest?.();
  }

  #refusal(waiting: number): StatusError | undefined {
    if (this.#phase === "ending" || this.#phase === "ended") {
      return new StatusError("actorStopped", `${this.path} has stopped.`);
    }
    if (waiting < (this.#definition.mailboxLengthMax ?? actorLimits.mailboxLengthMax)) return undefined;
    this.#runtime.meter.count("novact_mailbox_refused_total", {});
    const retryAfterMs = actorLimits.mailboxRetryAfterMs;
    return new StatusError("mailboxFull", `${this.path} has too much to do.`, { retryAfterMs });
  }

  #put(envelope: Envelope<M>): void {
    this.#mailbox.put(envelope);
    if (this.#phase === "up") this.#wake();
  }

  #wake(): void {
    if (this.#active) return;
    this.#active = true;
    this.#runtime.count(1);
    this.#thread.wake();
  }

  /** One turn, or `init`; false when there is nothing to do now. */
  async #step(): Promise<boolean> {
    if (this.#phase === "starting") return this.#start();
    const envelope = this.#phase === "up" ? this.#mailbox.take() : undefined;
    return envelope !== undefined && (await this.#turn(envelope));
  }

  async #start(): Promise<boolean> {
    try {
      const state = await this.#definition.init(this.#incarnation);
      this.#keep(state);
      if (this.#phase !== "starting") return false;
      this.#phase = "up";
      return true;
    } catch (thrown) {
      await this.#crash(thrown);
      return false;
    }
  }

  async #turn(envelope: Envelope<M>): Promise<boolean> {
    const { message, question } = envelope;
    this.#asked = question;
    this.#runtime.meter.count("novact_actor_turns_total", {});
    try {
      this.#keep(await this.#definition.receive(this.#state as S, message, this.#incarnation));
      if (question?.done === false) this.#postpone(question);
      return this.#phase === "up";
    } catch (thrown) {
      question?.fail(StatusError.from(thrown, `A turn of ${this.path}`));
      await this.#crash(thrown);
      return false;
    } finally {
      this.#asked = undefined;
    }
  }

  /** Keeps the state, unless the actor ended before its last turn did. */
  #keep(state: S): void {
    if (this.#phase === "ended") return;
    this.#state = state;
    this.#hasState = true;
  }

  #forget(): void {
    this.#state = undefined;
    this.#hasState = false;
  }

  #postpone(question: Pending): void {
    this.#postponed ??= new Set();
    this.#postponed.add(question);
  }

  /** Ends the incarnation and asks the supervisor what to do. */
  async #crash(cause: unknown): Promise<void> {
    this.#forget();
    if (this.#phase === "ended") return;
    if (this.#phase === "ending") {
      this.log.error({ actor: this.path, err: cause }, "The last turn of an actor threw.");
      return;
    }
    this.#phase = "crashed";
    this.#incarnation.end();
    const { crashes, backoffMs } = judgeCrash(this.#crashes ?? [], this.clock.monotonicMs());
    this.#crashes = crashes;
    this.#failPostponed("internal", "crashed before it had answered");
    this.#report(cause, backoffMs);
    await this.#family?.stop();
    // The actor may have been stopped while its children ended.
    if (this.#phase !== "crashed") return;
    if (backoffMs === undefined) this.#beginEnding("failed", cause);
    else this.#rest(backoffMs);
  }

  #rest(backoffMs: number): void {
    this.#phase = "resting";
    this.#backoff = this.clock.after(backoffMs, () => {
      this.#backoff = undefined;
      if (this.#phase !== "resting") return;
      this.#incarnation = new Incarnation(this, this.#incarnation.incarnation + 1);
      this.#phase = "starting";
      this.#wake();
    });
  }

  #report(cause: unknown, backoffMs: number | undefined): void {
    const { incarnation } = this.#incarnation;
    const kind = backoffMs === undefined ? "failed" : "restarted";
    this.#runtime.supervised({ kind, actor: this.path, incarnation, cause, backoffMs: backoffMs ?? 0 });
  }

  /** Refuses messages at once; the rest, which may call user code, follows after this has returned. */
  #beginEnding(how: ActorEnd["how"], cause: unknown): Promise<void> {
    if (this.#ending === undefined) {
      this.#phase = "ending";
      this.#runtime.count(1);
      this.#ending = Promise.resolve().then(() => this.#finish(how, cause));
    }
    return this.#ending;
  }

  async #finish(how: ActorEnd["how"], cause: unknown): Promise<void> {
    this.#incarnation.end();
    this.#backoff?.cancel();
    this.#refuseWaiting(cause);
    await this.#family?.stop();
    // When the supervisor gives up, it does so inside the last turn, which must not wait for itself.
    const hung = how === "stopped" && !(await this.#lastTurnEnds());
    if (hung) this.#abandon();
    else this.#ended(how, cause ?? (await this.#callStopped()));
  }

  #refuseWaiting(cause: unknown): void {
    let dropped = 0;
    for (let envelope = this.#mailbox.take(); envelope !== undefined; envelope = this.#mailbox.take()) {
      if (envelope.question === undefined) dropped += 1;
      envelope.question?.fail(new StatusError("actorStopped", `${this.path} has stopped.`, { cause }));
    }
    if (dropped > 0) this.log.info({ actor: this.path, dropped }, "An actor ended with messages waiting.");
  }

  async #lastTurnEnds(): Promise<boolean> {
    if (!this.#active) return true;
    const rest = new Promise<void>((resolve) => {
      this.#onRest = resolve;
    });
    return endsInTime(this.clock, rest);
  }

  /**
   * Gives up on a turn that ignores both the signal and the end of its time: nothing waits for it any longer.
   */
  #abandon(): void {
    const hung = new StatusError("timeout", `A turn of ${this.path} did not end in time after stop.`);
    this.#asked?.fail(hung);
    this.#active = false;
    this.#runtime.count(-1);
    this.#report(hung, undefined);
    this.#ended("failed", hung);
  }

  /** Calls `stopped`; answers what it threw, or undefined. */
  async #callStopped(): Promise<unknown> {
    const state = this.#state as S;
    if (!this.#hasState || this.#definition.stopped === undefined) return undefined;
    this.#forget();
    try {
      if (await endsInTime(this.clock, this.#definition.stopped(state))) return undefined;
      throw new StatusError("timeout", `The clean-up of ${this.path} did not end in time.`);
    } catch (thrown) {
      this.log.error({ actor: this.path, err: thrown }, "The clean-up of an actor failed.");
      return thrown;
    }
  }

  #ended(how: ActorEnd["how"], cause: unknown): void {
    const end: ActorEnd = { name: this.name, how, ...(cause === undefined ? {} : { cause }) };
    this.#phase = "ended";
    this.#end = end;
    this.#failPostponed("timeout", "stopped before it had answered");
    this.#thread.end();
    this.#parent.family.remove(this);
    this.#runtime.count(-1);
    for (const watcher of this.#watchers ?? []) this.#tellWatcher(watcher, end);
    this.#watchers = undefined;
  }

  #failPostponed(reason: "internal" | "timeout", what: string): void {
    const questions = [...(this.#postponed ?? [])];
    for (const question of questions) question.fail(new StatusError(reason, `${this.path} ${what}.`));
  }

  #tellWatcher(watcher: (end: ActorEnd) => void, end: ActorEnd): void {
    try {
      watcher(end);
    } catch (thrown) {
      this.log.error({ actor: this.path, err: thrown }, "A watcher of an actor threw.");
    }
  }
}
