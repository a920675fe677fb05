/**
 * I11: everything held in memory stays below its maximum, messages stay below theirs, and nobody talks
 * without end: two processes that answer each other in a circle are found by how many messages they send in a
 * second. Nobody takes what others need, either (neighbours.ts).
 */
import { wireLimits } from "../../protocol/limits/wire.ts";
import type { Checker, Sent } from "./facts.ts";
import { neighbours } from "./neighbours.ts";

/**
 * Questions of one sender and kind in one second. The largest legitimate burst is one `ensure`, and its
 * repetition, for each instance of the largest create, or a report for each of them; a circle at a bus
 * latency of 1 ms makes 500.
 */
export const questionsPerSecondMax = 400;

/**
 * Answers, and events on their way. There are as many as others asked for or committed, and those are counted
 * themselves. A create of 100 brings some 400 events, and each of them is offered, taken and confirmed.
 */
export const echoesPerSecondMax = 4_000;

const echoes: ReadonlySet<string> = new Set(["log", "evt", "_INBOX", "$JS"]);

interface Spoken {
  second: number;
  count: number;
}

export function nothingUnbounded(): Checker {
  const spoken = new Map<string, Spoken>();
  const disturbed = neighbours();
  return {
    promise: "I11",
    see(fact) {
      const sentences = disturbed(fact);
      if (sentences.length > 0) return sentences;
      if (fact.kind === "sent") return [...tooLarge(fact), ...tooMany(spoken, fact)];
      if (fact.kind !== "measured" || fact.amount <= fact.max) return [];
      return [`${fact.what} holds ${fact.amount}; its maximum is ${fact.max}.`];
    },
  };
}

/** The kind of message: `cmd`, `host`, `report`, … of novact's own subjects, the first token of others. */
function kindOf(subject: string): string {
  const [first = "", , , kind = ""] = subject.split(".", 4);
  return first === "novact" ? kind : first;
}

function tooLarge({ from, subject, bytes }: Sent): readonly string[] {
  const max = kindOf(subject) === "cmd" ? wireLimits.bodyBytesMax : wireLimits.answerBytesMax;
  return bytes <= max ? [] : [`${from} sent ${bytes} bytes to ${subject}; the maximum is ${max}.`];
}

/** Reports a passed maximum once for each second. */
function tooMany(spoken: Map<string, Spoken>, { atMs, from, subject }: Sent): readonly string[] {
  const kind = kindOf(subject);
  const key = `${from} ${kind}`;
  const second = Math.floor(atMs / 1_000);
  const it = spoken.get(key) ?? { second, count: 0 };
  spoken.set(key, it);
  it.count = it.second === second ? it.count + 1 : 1;
  it.second = second;
  const max = echoes.has(kind) ? echoesPerSecondMax : questionsPerSecondMax;
  if (it.count !== max + 1) return [];
  return [
    `${from} sent more than ${max} messages of kind ${kind} in second ${second}, the last to ${subject}.`,
  ];
}
