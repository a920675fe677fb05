/**
 * Actors as this project means them, in types only. `actor.ts` makes them real on nact and is the only file
 * that knows it.
 *
 * What holds for every actor:
 * - One turn at a time; the next begins when the promise of the one before has settled.
 * - A turn that throws is a crash: the question it was answering gets the StatusError that was thrown, or
 *   INTERNAL, as do the questions that the state had put off; children end, the state is dropped, and the
 *   supervisor makes the actor anew with `init` after a back-off. Messages that wait in the mailbox are kept
 *   for the next incarnation.
 * - More than limits.restartsMax crashes inside limits.restartWindowMs end the actor for good; everything
 *   that waits is answered UNAVAILABLE actorStopped, watchers hear `failed`.
 * - Every question ends: with an answer, a StatusError, or DEADLINE_EXCEEDED when its deadline passes first.
 * - A full mailbox refuses: `tell` answers false, `ask` fails with RESOURCE_EXHAUSTED mailboxFull.
 */
import type { StatusError } from "../../protocol/wire/status.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";

/**
 * How a turn answers a question. The first call counts, later ones are ignored; it may be answered in a later
 * turn.
 */
export interface Reply<A> {
  ok(answer: A): void;
  fail(error: StatusError): void;
  /**
   * Nobody waits any more (answered, deadline passed, asker gone): whoever would begin work for it need not.
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
   * Takes no further message, aborts the signal, waits for the running turn and for `stopped`, each no longer
   * than limits.actorStopGraceMs; idempotent. Children end first. A turn of the actor itself must not await
   * it.
   */
  stop(): Promise<void>;
  /** Called once, when the actor has ended; at once when it has ended already. */
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
  /** 1, 2, 3, …: raised by every restart. A result of an older one is stale. */
  readonly incarnation: number;
  /** Aborted when this incarnation ends: by a crash or by stop. Give it to every effect. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * A child: ends with its parent, and its crashes are contained in it. Its name is unique among its
   * siblings.
   */
  spawn<C>(definition: ActorDefinition<unknown, C>): ActorRef<C>;
}

export interface ActorDefinition<S, M> {
  readonly name: string;
  readonly mailboxLengthMax?: number;
  /**
   * Makes the first state, and again after every crash: from the store, never from what was before. A throw
   * is a crash.
   */
  init(context: ActorContext<M>): Promise<S>;
  /** One turn. The returned value is the next state. */
  receive(state: S, message: M, context: ActorContext<M>): Promise<S>;
  /** After the last turn, when init had succeeded. */
  stopped?(state: S): Promise<void>;
}

/** What supervisors decided; goes to the log, the metrics, and `…evt.sys.actor.*`. */
export interface SupervisionEvent {
  readonly kind: "restarted" | "failed";
  /** Path of names from the root, joined by `/`. */
  readonly actor: string;
  /** The one that crashed. */
  readonly incarnation: number;
  readonly cause: unknown;
  readonly backoffMs: number;
}

export interface ActorSystem {
  spawn<S, M>(definition: ActorDefinition<S, M>): ActorRef<M>;
  onSupervision(listener: (event: SupervisionEvent) => void): void;
  /** Stops all actors, youngest first, and waits for them. */
  stop(): Promise<void>;
  /** Turns that run or wait, all in all: 0 means that nothing happens until a message or timer comes. */
  readonly busy: number;
}

export interface ActorSystemOptions {
  readonly clock: Clock;
  readonly log: Log;
}
