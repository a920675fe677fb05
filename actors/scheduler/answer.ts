/**
 * Answers a question from the views at hand. Whether these are good enough for that answer is decide.ts's to
 * judge. Pure.
 */
import type { HostVerdict } from "../../protocol/instance.ts";
import type { Denial } from "../../protocol/status.ts";
import type { Reply } from "../runtime/system.ts";
import { isAlive } from "./filters/alive.ts";
import type {
  Candidate,
  ExplainQuestion,
  PlacementRequest,
  Question,
  Ranking,
  Rankings,
  RankManyQuestion,
  RankQuestion,
} from "./messages.ts";
import { explain, noValidHost, rank, type Scheduler } from "./rank.ts";
import { add, type SchedulerState, withHost } from "./state.ts";

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
  readonly answer: Answer;
  readonly turn: number;
}

export const isDenial = (answer: Answer): boolean =>
  (answer.kind === "rank" || answer.kind === "rankMany") && answer.answer.kind === "denied";

/** The answer by the views at hand, and what `turn` becomes. */
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
      return rankMany(scheduler, state, question, atMs);
    case "explain":
      return { answer: explainTo(scheduler, state, question, atMs), turn: state.turn };
    case "alive": {
      const alive = new Set(state.hosts.filter((host) => isAlive(host, atMs)).map(({ id }) => id));
      return { answer: { kind: "alive", reply: question.reply, answer: alive }, turn: state.turn };
    }
  }
}

function explainTo(
  scheduler: Scheduler,
  state: SchedulerState,
  { reply, request }: ExplainQuestion,
  atMs: number,
): Answer {
  return { kind: "explain", reply, answer: explain(scheduler, state, { ...request, atMs }) };
}

function rankOne(
  scheduler: Scheduler,
  state: SchedulerState,
  { reply, request }: RankQuestion,
  atMs: number,
): Answered {
  const timed = { ...request, atMs };
  const candidates = rank(scheduler, state, timed);
  const answer: Ranking =
    candidates.length > 0
      ? { kind: "ranked", candidates }
      : { kind: "denied", denial: noValidHost(scheduler, state, timed) };
  return { answer: { kind: "rank", reply, answer }, turn: state.turn + 1 };
}

function rankMany(
  scheduler: Scheduler,
  state: SchedulerState,
  { reply, request, count, atLeast = count }: RankManyQuestion,
  atMs: number,
): Answered {
  const timed = { ...request, atMs };
  const all: Candidate[][] = [];
  let supposed = state;
  while (all.length < count) {
    const candidates = rank(scheduler, supposed, timed);
    const [first] = candidates;
    if (first === undefined) {
      if (all.length >= atLeast) break;
      const denial = noRoomForAll(noValidHost(scheduler, supposed, timed), all.length, count);
      return {
        answer: { kind: "rankMany", reply, answer: { kind: "denied", denial } },
        turn: supposed.turn,
      };
    }
    all.push(candidates);
    supposed = supposeClaim(supposed, first.hostId, request);
  }
  const answer: Rankings = { kind: "ranked", candidates: all };
  return { answer: { kind: "rankMany", reply, answer }, turn: supposed.turn };
}

function supposeClaim(state: SchedulerState, hostId: string, request: PlacementRequest): SchedulerState {
  const turned = { ...state, turn: state.turn + 1 };
  return withHost(turned, hostId, (view) => ({ ...view, claimed: add(view.claimed, request) }));
}

function noRoomForAll(denial: Denial, placed: number, count: number): Denial {
  if (placed === 0) return denial;
  const message = `Only ${placed} of ${count} instances find room. For the next: ${denial.message}`;
  return { ...denial, message };
}
