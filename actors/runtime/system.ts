/**
 * The actors of this project, in types only. `actor.ts` implements them on nact and is the only file that
 * knows nact.
 *
 * What holds for every actor:
 * - One turn at a time, the handling of one message; the next turn begins when the promise of the last has
 *   settled.
 * - A turn that throws is a crash: the question it was answering gets the StatusError that was thrown, or
 *   INTERNAL, as do the questions that the state had put off; children end, the state is dropped, and the
 *   supervisor makes the actor anew with `init` after a back-off. Messages that wait in the mailbox are kept
 *   for the next incarnation.
 * - More than actorLimits.restartsMax crashes inside actorLimits.restartWindowMs end the actor for good;
 *   everything that waits is answered UNAVAILABLE actorStopped, watchers hear `failed`.
 * - Every question ends: with an answer, a StatusError, or DEADLINE_EXCEEDED when its deadline passes first.
 * - A full mailbox refuses: `tell` answers false, `ask` fails with RESOURCE_EXHAUSTED mailboxFull.
 */
import type { StatusError } from "../../protocol/wire/status.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import type { Loop } from "./loop.ts";
import type { Meter } from "./meter.ts";

/** Answers a question, in its own turn or a later one. The first call counts, later ones are ignored. */
export interface Reply<A> {
  ok(answer: A): void;
  fail(error: StatusError): void;
  /**
   * True when nobody waits any more (answered, deadline passed, asker gone): do not begin work for the
   * answer.
   */
  readonly done: boolean;
}

export interface AskOptions {
  /** On Clock.monotonicMs. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

export interface ActorRef<M> {
  readonly name: string;
  /** False when the mailbox is full or the actor has stopped: the message was not taken. */
  tell(message: M): boolean;
  /**
   * @throws StatusError: what the turn answered, or mailboxFull, actorStopped, timeout, cancelled, internal
   */
  ask<A>(message: (reply: Reply<A>) => M, options: AskOptions): Promise<A>;
  /**
   * Takes no further message, aborts the signal, ends the children, then waits for the running turn and for
   * `stopped`, each no longer than actorLimits.actorStopGraceMs. Idempotent. A turn of the actor itself must
   * not await it.
   */
  stop(): Promise<void>;
  /** Calls the listener once, when the actor has ended; at once when it has ended already. */
  onEnd(listener: (end: ActorEnd) => void): void;
  readonly waiting: number;
}

export interface ActorEnd {
  readonly name: string;
  /** `failed`: the supervisor gave up. */
  readonly how: "stopped" | "failed";
  readonly cause?: unknown;
}

export interface ActorContext<M> {
  readonly self: ActorRef<M>;
  /** 1, 2, 3, …: raised by every restart. A result of an older incarnation is stale. */
  readonly incarnation: number;
  /** Aborted when this incarnation ends: by a crash or by stop. Give it to every effect. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Starts a child, which ends with its parent and whose crashes do not touch the parent. Names are unique
   * among siblings.
   */
  spawn<C>(definition: ActorDefinition<unknown, C>): ActorRef<C>;
}

export interface ActorDefinition<S, M> {
  readonly name: string;
  /** What actors of one kind have in common, for people who debug. Absent: the name. */
  readonly kind?: string;
  /** For an actor that is a loop (periodic.ts). */
  readonly loop?: Loop;
  readonly mailboxLengthMax?: number;
  /**
   * Makes the first state, and again after every crash: from the store or files, never from the state before.
   * A throw is a crash.
   */
  init(context: ActorContext<M>): Promise<S>;
  /** One turn. The returned value is the next state. */
  receive(state: S, message: M, context: ActorContext<M>): Promise<S>;
  /** Called after the last turn, if `init` had succeeded. */
  stopped?(state: S): Promise<void>;
}

/** A supervisor's decision; goes to the log, the metrics, and `…evt.sys.actor.*`. */
export interface SupervisionEvent {
  readonly kind: "restarted" | "failed";
  /** Path of names from the root, joined by `/`. */
  readonly actor: string;
  /** The incarnation that crashed. */
  readonly incarnation: number;
  readonly cause: unknown;
  readonly backoffMs: number;
}

/** An actor as it is shown to people who debug. */
export interface ActorPicture {
  /** Path of names from the root, joined by `/`. */
  readonly path: string;
  readonly kind: string;
  /** `starting`: its state is being made; `resting`: it has crashed, and is made anew after a back-off. */
  readonly phase: "starting" | "up" | "crashed" | "resting" | "ending" | "ended";
  /** Raised by every restart. */
  readonly incarnation: number;
  readonly waiting: number;
  readonly loop: Loop | undefined;
}

export interface ActorSystem {
  readonly clock: Clock;
  spawn<S, M>(definition: ActorDefinition<S, M>): ActorRef<M>;
  onSupervision(listener: (event: SupervisionEvent) => void): void;
  /** Stops all actors, youngest first, and waits for them. */
  stop(): Promise<void>;
  /** All actors that live, each parent before its children. It reads what changes: use each at once. */
  look(): Iterable<ActorPicture>;
  /**
   * Number of actors that run a turn, have one waiting, or are ending: 0 means that nothing happens until a
   * message or timer comes.
   */
  readonly busy: number;
}

export interface ActorSystemOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: nobody counts. */
  readonly meter?: Meter | undefined;
}
