/**
 * Answers a question from the present views. decide.ts judges whether they are fresh enough for that answer.
 * Pure.
 */
import type { HostVerdict } from "../../../protocol/instance.ts";
import type { Denial } from "../../../protocol/wire/status.ts";
import { ordinal } from "../../../protocol/wire/wording.ts";
import type { Reply } from "../../runtime/system.ts";
import { explain, noValidHost } from "./explain.ts";
import { isAlive } from "./filters/alive.ts";
import type {
  AliveQuestion,
  ExplainQuestion,
  Question,
  Ranking,
  Rankings,
  RankManyQuestion,
  RankQuestion,
} from "./messages.ts";
import { rank } from "./rank.ts";
import { rankMany } from "./rank-many.ts";
import type { Scheduler } from "./schedule.ts";
import { type SchedulerState, withStored } from "./state.ts";

export type Answer =
  | { readonly kind: "rank"; readonly reply: Reply<Ranking>; readonly answer: Ranking }
  | { readonly kind: "rankMany"; readonly reply: Reply<Rankings>; readonly answer: Rankings }
  | {
      readonly kind: "explain";
      readonly reply: Reply<readonly HostVerdict[]>;
      readonly answer: readonly HostVerdict[];
    }
  | {
      readonly kind: "alive";
      readonly reply: Reply<ReadonlySet<string>>;
      readonly answer: ReadonlySet<string>;
    }
  | { readonly kind: "failed"; readonly reply: Question["reply"]; readonly denial: Denial };

export interface Answered {
  /** Made only when given: a denial looks at every host once more, and often nobody waits for it any more. */
  readonly answer: () => Answer;
  /** Fresher views may offer more hosts. */
  readonly fallsShort: boolean;
  readonly turn: number;
}

/** The answer by the present views, and the round-robin position after it. */
export function answerTo(
  scheduler: Scheduler,
  state: SchedulerState,
  question: Question,
  atMs: number,
): Answered {
  switch (question.kind) {
    case "rank":
      return rankOne(scheduler, state, question, atMs);
    case "rankMany":
      return rankSeveral(scheduler, state, question, atMs);
    case "explain":
      return explainTo(scheduler, state, question, atMs);
    case "alive":
      return { answer: () => aliveIn(state, question, atMs), fallsShort: false, turn: state.turn };
  }
}

function aliveIn(state: SchedulerState, { reply }: AliveQuestion, atMs: number): Answer {
  const alive = [...state.hosts].filter((host) => isAlive(host, atMs)).map(({ id }) => id);
  return { kind: "alive", reply, answer: new Set(alive) };
}

/**
 * Explains. An explanation without a host that fits falls short, like any denial: old views must not give it.
 */
function explainTo(
  scheduler: Scheduler,
  state: SchedulerState,
  { reply, request }: ExplainQuestion,
  atMs: number,
): Answered {
  const verdicts = explain(scheduler, state, { ...request, atMs });
  const answer = (): Answer => ({ kind: "explain", reply, answer: verdicts });
  return { answer, fallsShort: !verdicts.some(({ fits }) => fits), turn: state.turn };
}

function rankOne(
  scheduler: Scheduler,
  state: SchedulerState,
  { reply, request }: RankQuestion,
  atMs: number,
): Answered {
  const timed = { ...request, atMs };
  const candidates = rank(scheduler, state, timed);
  const fallsShort = candidates.length === 0;
  const ranking = (): Ranking =>
    fallsShort
      ? { kind: "denied", denial: noValidHost(scheduler, state, timed) }
      : { kind: "ranked", candidates };
  return { answer: () => ({ kind: "rank", reply, answer: ranking() }), fallsShort, turn: state.turn + 1 };
}

function rankSeveral(
  scheduler: Scheduler,
  state: SchedulerState,
  { reply, request, count, as = "all", countMin = 1, supposed: before }: RankManyQuestion,
  atMs: number,
): Answered {
  const {
    candidates,
    supposed,
    stored,
    request: next,
  } = rankMany(
    scheduler,
    before === undefined ? state : { ...state, turn: state.turn + before },
    { ...request, atMs },
    count,
  );
  const placed = candidates.length;
  const enough = as === "asManyAsFit" && placed >= Math.max(1, countMin);
  const rankings = (): Rankings => {
    if (placed === count) return { kind: "ranked", candidates };
    const denial = noRoomForAll(noValidHost(scheduler, withStored(supposed, stored), next), placed, count);
    return enough ? { kind: "ranked", candidates, rest: denial } : { kind: "denied", denial };
  };
  return {
    answer: () => ({ kind: "rankMany", reply, answer: rankings() }),
    fallsShort: placed < count,
    turn: before === undefined ? supposed.turn : state.turn,
  };
}

function noRoomForAll(denial: Denial, placed: number, count: number): Denial {
  if (placed === 0) return denial;
  const next = ordinal(placed + 1);
  const find = placed === 1 ? "finds" : "find";
  const message = `${placed} of ${count} instances ${find} room; at the ${next}: ${denial.message}`;
  return { ...denial, message };
}
