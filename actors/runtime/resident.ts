/**
 * A resident: a durable thing with one actor, whose every turn is load, decide, commit, answer, act, in this
 * order. The rows are the truth, and the rows in memory only a copy: several controllers may have an actor of
 * the same thing for a moment, the version in the rows decides between them, and the loser loads the rows
 * anew and decides again. When the store fails, the copy is dropped.
 *
 * It must never answer before the commit, nor refuse a command by rows in memory alone: they may be old, and
 * no commit guards a refusal.
 */
import { lifeLimits } from "../../protocol/limits/life.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock } from "../../protocol/wire/transport.ts";
import type { StorePart } from "../ports/store.ts";
import type { Commit, CommitResult, RequestRecord } from "../records/commit.ts";
import type { Decision, RequestFacts } from "./decision.ts";
import type { ActorDefinition, Reply } from "./system.ts";

/**
 * What is peculiar to a kind of resident. `L`: its rows; `E`: the events that it decides about; `M`: the
 * messages of its mailbox; `F`: its effects.
 */
export interface ResidentKind<L, E, M, F> {
  /** The word for one, in names of actors and in sentences: `instance`. */
  readonly noun: string;
  /** Least time between two nudges of one resident; doubles with every nudge, up to the maximum. */
  readonly nudgeBackoffMsMin: number;
  readonly nudgeBackoffMsMax: number;
  /** Reads the rows; undefined: they do not exist. */
  load(id: string): Promise<L | undefined>;
  /** The error for one that does not exist, or that the asker must not know of (I12). */
  notFound(id: string): StatusError;
  /** Pure. */
  decide(loaded: L, event: E): Decision<L, F>;
  /** What a message asks for. Reads nothing, and must not throw for what a user or a host can cause. */
  taskOf(message: M, id: string): Task<L, E, F>;
  /** Starts the effects of a decision, and awaits none. */
  act(effects: readonly F[], loaded: L): void;
  /**
   * Called when the commit of news was refused. True: the resident has seen to it, and the news is dropped;
   * absent or false: the rows are loaded anew, and the news is decided again.
   */
  refused?(result: CommitResult, present: L): boolean;
}

/** A command: its asker hears the outcome. */
export interface CommandTask<L, E> {
  readonly kind: "command";
  readonly request: RequestFacts;
  readonly reply: Reply<unknown>;
  /** False: to the asker, the resident does not exist. */
  mayAsk(loaded: L): boolean;
  /** The event, as of the rows that it is decided on; called again after each conflict. */
  eventOf(present: L, nowMs: number): E;
  /** The error for a refused commit; undefined: the rows are loaded anew, and it is decided again. */
  refusalOf?(result: CommitResult): StatusError | undefined;
  /** False: the command has no effects, and the next nudge comes when it was due. Absent: it waits. */
  readonly delaysNudge?: false;
}

/** News from a host, the scheduler or an operator. */
export interface NewsTask<L, E> {
  readonly kind: "news";
  readonly reply?: Reply<unknown> | undefined;
  /** Whether the rows in memory are new enough to judge by; false: they are loaded anew. Absent: true. */
  knows?(loaded: L): boolean;
  /** As that of a command. */
  eventOf(present: L, nowMs: number): E;
  /** Answers the news, by the rows after it. */
  settled?(next: L): void;
  /** True: the next nudge waits, also when the news has changed nothing. Absent: only when it has. */
  readonly delaysNudge?: true;
}

/** A nudge: work may be left to do. */
export interface NudgeTask<L, E> {
  readonly kind: "nudge";
  /** True: the work left to do does not wait for the back-off. */
  isUrgent(loaded: L, nowMs: number): boolean;
  /** True: no nudge comes for such rows, so the rows in memory are old. */
  isDoubtful(loaded: L): boolean;
  eventOf(present: L, nowMs: number): E;
}

export type Task<L, E, F> =
  | CommandTask<L, E>
  | NewsTask<L, E>
  | NudgeTask<L, E>
  /** Start these effects by the rows as they are: nothing is decided. */
  | { readonly kind: "act"; effectsOf(loaded: L): readonly F[] }
  /** The rows in memory are old: drop them. */
  | { readonly kind: "reload" };

export interface ResidentOptions {
  readonly store: StorePart<{ operations: "request" }>;
  readonly commit: (commit: Commit) => Promise<CommitResult>;
  readonly clock: Clock;
}

export interface ResidentState<L> {
  /** Undefined when the rows must be loaded before the next decision. */
  readonly loaded: L | undefined;
  /** No work for a nudge before this time, on the monotonic clock. */
  readonly nudgeAtMs: number;
  readonly nudgeBackoffMs: number;
}

/** `seed`: the rows of the commit that made the resident; saves reading them back. */
export function residentDefinition<L, E, M, F>(
  kind: ResidentKind<L, E, M, F>,
  id: string,
  options: ResidentOptions,
  seed?: L,
): ActorDefinition<ResidentState<L>, M> {
  return new Resident(kind, id, options, seed);
}

/** The turns of one resident. There are thousands of these, so that each has few fields, and no closures. */
class Resident<L, E, M, F> implements ActorDefinition<ResidentState<L>, M> {
  readonly name: string;
  readonly #kind: ResidentKind<L, E, M, F>;
  readonly #id: string;
  readonly #options: ResidentOptions;
  /** For the first incarnation only. */
  #seed: L | undefined;

  constructor(kind: ResidentKind<L, E, M, F>, id: string, options: ResidentOptions, seed: L | undefined) {
    this.name = `${kind.noun}-${id}`;
    this.#kind = kind;
    this.#id = id;
    this.#options = options;
    this.#seed = seed;
  }

  get kind(): string {
    return this.#kind.noun;
  }

  async init(): Promise<ResidentState<L>> {
    const seed = this.#seed;
    this.#seed = undefined;
    return this.#fresh(seed);
  }

  /** The state after a change: its effects were just started, so the next nudge may wait. */
  #fresh(loaded: L | undefined): ResidentState<L> {
    const { nudgeBackoffMsMin } = this.#kind;
    const nudgeAtMs = this.#options.clock.monotonicMs() + nudgeBackoffMsMin;
    return { loaded, nudgeAtMs, nudgeBackoffMs: nudgeBackoffMsMin * 2 };
  }

  async receive(state: ResidentState<L>, message: M): Promise<ResidentState<L>> {
    const task = this.#kind.taskOf(message, this.#id);
    try {
      return await this.#perform(state, task);
    } catch (thrown) {
      if (!(thrown instanceof StatusError) || thrown.code === "INTERNAL") throw thrown;
      if ("reply" in task) task.reply?.fail(thrown);
      return { ...state, loaded: undefined };
    }
  }

  async #perform(state: ResidentState<L>, task: Task<L, E, F>): Promise<ResidentState<L>> {
    if (task.kind === "reload") return { ...state, loaded: undefined };
    if (task.kind === "nudge" && this.#isEarly(state)) return state;
    const loaded = state.loaded ?? (await this.#load());
    switch (task.kind) {
      case "command": {
        const next = await this.#command(loaded, task);
        return task.delaysNudge === false ? { ...state, loaded: next } : this.#fresh(next);
      }
      case "news":
        return this.#news(state, loaded, task);
      case "nudge":
        return this.#nudge(state, loaded, task);
      case "act":
        this.#kind.act(task.effectsOf(loaded), loaded);
        return { ...state, loaded };
    }
  }

  /**
   * True for a nudge of a resident that is not loaded and not yet due: another controller's work is mostly
   * done by then, and the rows need not be loaded.
   */
  #isEarly({ loaded, nudgeAtMs }: ResidentState<L>): boolean {
    return loaded === undefined && this.#options.clock.monotonicMs() < nudgeAtMs;
  }

  async #load(): Promise<L> {
    const loaded = await this.#kind.load(this.#id);
    if (loaded === undefined) throw this.#kind.notFound(this.#id);
    return loaded;
  }

  /** The newest rows: read from the store, unless this turn has read them already. */
  #newest(state: ResidentState<L>, loaded: L): Promise<L> {
    return state.loaded === undefined ? Promise.resolve(loaded) : this.#load();
  }

  async #command(loaded: L, task: CommandTask<L, E>): Promise<L> {
    const { request, reply } = task;
    if (!task.mayAsk(loaded)) throw this.#kind.notFound(this.#id);
    let present = loaded;
    for (let attempt = 1; attempt <= lifeLimits.commitAttemptsMax; attempt += 1) {
      const decision = this.#kind.decide(present, task.eventOf(present, this.#options.clock.nowMs()));
      if (decision.outcome.kind === "denied") {
        // The rows in memory may be old, and no commit guards a refusal: decide once more on the stored rows.
        if (present === loaded && attempt === 1) {
          present = await this.#load();
          continue;
        }
        await this.#deny(StatusError.of(decision.outcome.denial), task);
        return present;
      }
      const result = await this.#options.commit(decision.commit ?? {});
      if (result.kind === "duplicate") {
        answerAgain(result.request, request.contentHash, reply);
        return present;
      }
      if (result.kind === "committed") {
        reply.ok(decision.commit?.request?.answer);
        this.#kind.act(decision.effects, decision.next);
        return decision.next;
      }
      const refusal = task.refusalOf?.(result);
      if (refusal !== undefined) {
        await this.#deny(refusal, task);
        return present;
      }
      present = await this.#load();
    }
    throw this.#changedByOthers();
  }

  /** Denies a command, unless the same request was accepted before: then it is answered as it was. */
  async #deny(denial: StatusError, { request, reply }: CommandTask<L, E>): Promise<void> {
    const known = await this.#options.store.operations.request(request.project, request.requestId);
    if (known === undefined) reply.fail(denial);
    else answerAgain(known, request.contentHash, reply);
  }

  async #news(state: ResidentState<L>, loaded: L, task: NewsTask<L, E>): Promise<ResidentState<L>> {
    const current = task.knows?.(loaded) === false ? await this.#newest(state, loaded) : loaded;
    const next = await this.#settle(current, task);
    task.settled?.(next);
    return next === loaded && task.delaysNudge !== true ? { ...state, loaded } : this.#fresh(next);
  }

  async #nudge(state: ResidentState<L>, loaded: L, task: NudgeTask<L, E>): Promise<ResidentState<L>> {
    const { clock } = this.#options;
    const atMs = clock.monotonicMs();
    const due = atMs >= state.nudgeAtMs || task.isUrgent(loaded, clock.nowMs());
    if (!due && !task.isDoubtful(loaded)) return { ...state, loaded };
    // Load first: effects must be those of the stored rows, and here no commit would notice old ones.
    const current = await this.#newest(state, loaded);
    if (!due) return { ...state, loaded: current };
    const next = await this.#settle(current, task);
    const nudgeBackoffMs = Math.min(state.nudgeBackoffMs * 2, this.#kind.nudgeBackoffMsMax);
    return { loaded: next, nudgeAtMs: atMs + state.nudgeBackoffMs, nudgeBackoffMs };
  }

  /** Applies an event that nobody waits for, again after each conflict. */
  async #settle(loaded: L, task: NewsTask<L, E> | NudgeTask<L, E>): Promise<L> {
    let present = loaded;
    for (let attempt = 1; attempt <= lifeLimits.commitAttemptsMax; attempt += 1) {
      const decision = this.#kind.decide(present, task.eventOf(present, this.#options.clock.nowMs()));
      const result = decision.commit === undefined ? undefined : await this.#options.commit(decision.commit);
      if (result === undefined || result.kind === "committed") {
        this.#kind.act(decision.effects, decision.next);
        return decision.next;
      }
      if (this.#kind.refused?.(result, present) === true) return present;
      present = await this.#load();
    }
    throw this.#changedByOthers();
  }

  #changedByOthers(): StatusError {
    const { noun } = this.#kind;
    const message = `The ${noun} ${this.#id} was changed by others again and again.`;
    return new StatusError("generationConflict", message);
  }
}

/**
 * Answers a repeated request: with the same answer, word for word, or ALREADY_EXISTS when it was another
 * command.
 */
function answerAgain(known: RequestRecord, contentHash: string, reply: Reply<unknown>): void {
  if (known.contentHash === contentHash) reply.ok(known.answer);
  else reply.fail(requestIdReused(known.requestId));
}

/** The error for a request id that came before with other content (I5). */
export function requestIdReused(requestId: string): StatusError {
  return new StatusError("requestIdReused", `The request id ${requestId} was used for another command.`);
}
