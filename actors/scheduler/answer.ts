/**
 * Answers a question from the views at hand. Whether these are good enough for that answer is decide.ts's to
 * judge. Pure.
 */
import type { HostVerdict } from "../../protocol/instance.ts";
import type { Denial } from "../../protocol/status.ts";
import type { Reply } from "../runtime/system.ts";
import { explain, noValidHost } from "./explain.ts";
import { isAlive } from "./filters/alive.ts";
import type {
  ExplainQuestion,
  Question,
  Ranking,
  Rankings,
  RankManyQuestion,
  RankQuestion,
} from "./messages.ts";
import type { Scheduler } from "./prepare.ts";
import { rank } from "./rank.ts";
import { rankMany } from "./rank-many.ts";
import type { SchedulerState } from "./state.ts";

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

/** There may be more to offer than this, by fresher views. */
export function fallsShort(answer: Answer): boolean {
  if (answer.kind === "rank") return answer.answer.kind === "denied";
  return answer.kind === "rankMany" && (answer.answer.kind === "denied" || answer.answer.rest !== undefined);
}

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
      return rankSeveral(scheduler, state, question, atMs);
    case "explain":
      return { answer: explainTo(scheduler, state, question, atMs), turn: state.turn };
    case "alive": {
      const alive = new Set([...state.hosts].filter((host) => isAlive(host, atMs)).map(({ id }) => id));
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

function rankSeveral(
  scheduler: Scheduler,
  state: SchedulerState,
  { reply, request, count, as = "all", countMin = 1 }: RankManyQuestion,
  atMs: number,
): Answered {
  const { candidates, supposed, request: next } = rankMany(scheduler, state, { ...request, atMs }, count);
  const { turn } = supposed;
  const answered = (answer: Rankings): Answered => ({ answer: { kind: "rankMany", reply, answer }, turn });
  if (candidates.length === count) return answered({ kind: "ranked", candidates });
  const denial = noRoomForAll(noValidHost(scheduler, supposed, next), candidates.length, count);
  const enough = as === "asManyAsFit" && candidates.length >= Math.max(1, countMin);
  return answered(enough ? { kind: "ranked", candidates, rest: denial } : { kind: "denied", denial });
}

function noRoomForAll(denial: Denial, placed: number, count: number): Denial {
  if (placed === 0) return denial;
  const message = `Only ${placed} of ${count} instances find room. For the next: ${denial.message}`;
  return { ...denial, message };
}
