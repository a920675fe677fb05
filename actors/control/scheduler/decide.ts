/**
 * What the scheduler does with each message: `(state, message, time)` gives the next state, the answers and
 * the effects, all as values. Three rules make a cache of the store good enough: a claim counts from its
 * commit until a read that began later shows it; nobody hears "no valid host" from views older than the
 * question; and what this controller changed about a host is seen by the next question. Pure.
 */
import { type Answer, type Answered, answerTo } from "./answer.ts";
import { schedulerLimits } from "./limits.ts";
import type { Claim, Question, SchedulerMessage } from "./messages.ts";
import { withHosts, withPending } from "./refresh.ts";
import type { Scheduler } from "./schedule.ts";
import { type SchedulerState, withAllHeard, withClaim, withHeard, withHost } from "./state.ts";

export type Effect =
  /** Read the whole list of hosts; the read ends with the message `refresh` or `refreshFailed`. */
  | { readonly kind: "readHosts"; readonly atMs: number }
  /** Send `tick` after schedulerLimits.schedulerRefreshPeriodMs. */
  | { readonly kind: "tickLater" };

export interface Decision {
  readonly next: SchedulerState;
  readonly answers: readonly Answer[];
  readonly effects: readonly Effect[];
}

/** Decides about a message. `atMs` is monotonic. */
export function decide(
  scheduler: Scheduler,
  state: SchedulerState,
  message: SchedulerMessage,
  atMs: number,
): Decision {
  switch (message.kind) {
    case "rank":
    case "rankMany":
    case "explain":
    case "alive":
      return answerOrWait(scheduler, state, message, atMs);
    case "heard":
      return only(withHeard(state, message, atMs));
    case "cutOff":
      return only(withAllHeard(state, atMs));
    case "claimed":
      return only(remembering(state, message, 1, atMs));
    case "released":
      return only(remembering(state, message, -1, atMs));
    case "full":
      // Until the next read the host counts as full: the next request goes elsewhere instead of failing like
      // this one.
      return read(
        withHost(state, message.hostId, (view) => ({ ...view, claimed: view.capacity, source: undefined })),
        atMs,
      );
    case "hostsChanged":
      return read({ ...state, changedAtMs: atMs }, atMs);
    case "tick": {
      const told = atMs - state.toldAtMs < 2 * schedulerLimits.schedulerRefreshPeriodMs;
      const decision = told ? only(state) : read(state, atMs);
      return { ...decision, effects: [...decision.effects, { kind: "tickLater" }] };
    }
    case "refresh":
      return refreshed(scheduler, state, message, atMs);
    case "refreshFailed":
      return readFailed(scheduler, state, atMs);
  }
}

const only = (next: SchedulerState): Decision => ({ next, answers: [], effects: [] });

/** Begins a read, unless one is under way that is not yet overdue. */
function read(state: SchedulerState, atMs: number): Decision {
  const { readingSinceMs } = state;
  if (readingSinceMs !== undefined && atMs - readingSinceMs < schedulerLimits.schedulerReadTimeoutMs)
    return only(state);
  return {
    next: { ...state, readingSinceMs: atMs },
    answers: [],
    effects: [{ kind: "readHosts", atMs }],
  };
}

function remembering(
  state: SchedulerState,
  { hostId, amounts }: { readonly hostId: string; readonly amounts: Claim },
  sign: 1 | -1,
  atMs: number,
): SchedulerState {
  const pending = state.pending.add({ hostId, amounts, sign, atMs });
  return withHost({ ...state, pending }, hostId, (view) => withClaim(view, amounts, sign));
}

function answerOrWait(
  scheduler: Scheduler,
  state: SchedulerState,
  question: Question,
  atMs: number,
): Decision {
  const known = state.readAtMs === undefined ? undefined : answerTo(scheduler, state, question, atMs);
  if (known !== undefined && !isStale(state) && !known.fallsShort) return given(state, known);
  if (state.waiting.length < schedulerLimits.schedulerWaitingMax) {
    const { next, effects } = read(state, atMs);
    const waiting = [...next.waiting, { question, askedAtMs: atMs }];
    return { next: { ...next, waiting }, answers: [], effects };
  }
  if (known !== undefined) return given(state, known);
  return { next: state, answers: [unavailable(question)], effects: [] };
}

/** True when the views are older than a change that the scheduler was told of. */
const isStale = ({ readAtMs, changedAtMs }: SchedulerState): boolean => (readAtMs ?? 0) < changedAtMs;

const unavailable = (question: Question): Answer => ({
  kind: "failed",
  reply: question.reply,
  denial: { reason: "storeUnavailable", message: "The scheduler cannot read the list of hosts." },
});

const given = (state: SchedulerState, { answer, turn }: Answered): Decision => ({
  next: { ...state, turn },
  answers: [answer()],
  effects: [],
});

/**
 * The answer by fresh views. The store's sums may already contain a pending claim, which then counts twice;
 * rather than deny for that, the scheduler answers once more as if no claim were pending: the commit, under
 * its CHECK, has the last word.
 */
function lastWord(scheduler: Scheduler, state: SchedulerState, question: Question, atMs: number): Decision {
  const counted = answerTo(scheduler, state, question, atMs);
  if (!counted.fallsShort || state.pending.length === 0) return given(state, counted);
  return given(state, answerTo(scheduler, withPending(state, -1), question, atMs));
}

function refreshed(
  scheduler: Scheduler,
  state: SchedulerState,
  message: Extract<SchedulerMessage, { kind: "refresh" }>,
  atMs: number,
): Decision {
  // An older read that was given up and ends late after all.
  if (state.readAtMs !== undefined && message.readAtMs < state.readAtMs) return only(state);
  const fresh = withHosts(message.told === true ? { ...state, toldAtMs: atMs } : state, message);
  const answered = answerWaiting(scheduler, { ...fresh, waiting: [] }, state.waiting, atMs);
  if (!isStale(answered.next)) return answered;
  const again = read(answered.next, atMs);
  return { ...answered, next: again.next, effects: [...answered.effects, ...again.effects] };
}

/**
 * Answers waiting questions: those asked before the read began by this read; the others may have to wait for
 * the next.
 */
function answerWaiting(
  scheduler: Scheduler,
  state: SchedulerState,
  waiting: SchedulerState["waiting"],
  atMs: number,
): Decision {
  const answers: Answer[] = [];
  const effects: Effect[] = [];
  let next = state;
  for (const { question, askedAtMs } of waiting) {
    if (question.reply.done) continue;
    const decision =
      askedAtMs <= (next.readAtMs ?? -1)
        ? lastWord(scheduler, next, question, atMs)
        : answerOrWait(scheduler, next, question, atMs);
    next = decision.next;
    answers.push(...decision.answers);
    effects.push(...decision.effects);
  }
  return { next, answers, effects };
}

/**
 * Answers waiting questions by old views: these are good enough to rank by (the commit decides), but not to
 * deny by.
 */
function readFailed(scheduler: Scheduler, state: SchedulerState, atMs: number): Decision {
  const answers: Answer[] = [];
  let next: SchedulerState = { ...state, readingSinceMs: undefined, waiting: [] };
  for (const { question } of state.waiting) {
    const known = next.readAtMs === undefined ? undefined : answerTo(scheduler, next, question, atMs);
    if (known === undefined || known.fallsShort) {
      answers.push(unavailable(question));
      continue;
    }
    answers.push(known.answer());
    next = { ...next, turn: known.turn };
  }
  return { next, answers, effects: [] };
}
