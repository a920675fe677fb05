/**
 * Finds comments that need a second reading: those in which pronouns and fillers ("it", "that", "what",
 * "one") stand where nouns belong. A share of such words proves nothing about one comment, so the rule only
 * keeps their number from growing. `node spec/tidy/comments.ts [PATH]` lists them, room by room, worst first;
 * `--lower` before the path also writes the number that is left into the ceiling. Code and strings must never
 * be judged here.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { readSourceTree, type SourceFile } from "./source-tree.ts";

/** How many such comments the project may have. It only goes down: `node spec/tidy/comments.ts --lower`. */
export const unclearCommentsMax = 2;

/** Comments of fewer words are not judged: one pronoun in four words proves nothing. */
export const judgedWordsMin = 6;

/** From this share of pronouns and fillers on, a comment counts. */
export const fillerShareMin = 0.3;

/** Words that stand for a noun which the reader has to find. "All hosts" and "the same host" name theirs. */
const fillers = new Set(
  [
    "it its itself they them their theirs themselves he him his she her",
    "this that these those here there one ones such same so none others",
    "who whom whose whoever what whatever which whichever wherever",
    "somebody someone something anybody anyone anything nobody nothing everybody everyone everything",
  ].flatMap((line) => line.split(" ")),
);

export interface Comment {
  /** From the root of the project. */
  readonly path: string;
  /** Where it begins, counted from 1. */
  readonly line: number;
  /** Without its stars and slashes, on one line. */
  readonly text: string;
}

export interface UnclearComment extends Comment {
  /** Pronouns and fillers among its words, 0 to 1. */
  readonly share: number;
}

/** Comments of a file. Line comments below each other in one column are one: sentences go on in the next. */
export function commentsOf({ path, comments }: SourceFile): readonly Comment[] {
  const found: { line: number; column: number; raw: string }[] = [];
  for (const match of comments.matchAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g)) {
    const before = comments.slice(0, match.index).split("\n");
    const [line, column, raw] = [before.length, before.at(-1)?.length ?? 0, match[0]];
    const last = found.at(-1);
    const goesOn = last?.raw.startsWith("//") && last.line + last.raw.split("\n").length === line;
    if (last !== undefined && goesOn && last.column === column) last.raw += `\n${raw}`;
    else found.push({ line, column, raw });
  }
  return found.map(({ line, raw }) => ({ path, line, text: textOf(raw) }));
}

function textOf(raw: string): string {
  const text = raw.replace(/^[^\S\n]*(?:\/\*+|\*+(?!\/)|\/\/+)/gm, " ").replace(/\*+\/$/, "");
  return text.replace(/\s+/g, " ").trim();
}

/** Comments with too many fillers, the worst first; `judged` counts all that are long enough to be judged. */
export function judgeComments(files: readonly SourceFile[]): {
  readonly judged: number;
  readonly unclear: readonly UnclearComment[];
} {
  const judged = files.flatMap(commentsOf).flatMap((comment) => {
    const words = wordsOf(comment.text);
    if (words.length < judgedWordsMin) return [];
    const share = words.filter((word) => fillers.has(word)).length / words.length;
    return [{ ...comment, share }];
  });
  const unclear = judged.filter(({ share }) => share >= fillerShareMin);
  return { judged: judged.length, unclear: unclear.sort((a, b) => b.share - a.share) };
}

/** What stands between backquotes is one word, and a noun. */
function wordsOf(text: string): readonly string[] {
  const named = text.replace(/`[^`]*`/g, " code ").toLowerCase();
  return named.match(/[a-z][a-z0-9]*(?:['’-][a-z0-9]+)*/g) ?? [];
}

/** Room by room, the room with most of them first, and the worst first in each. */
export function describeUnclear(unclear: readonly UnclearComment[]): string {
  const rooms = Map.groupBy(unclear, ({ path }) => dirname(path));
  const ordered = [...rooms].sort(([, a], [, b]) => b.length - a.length);
  const parts = ordered.map(([room, comments]) => {
    const lines = comments.map(
      ({ path, line, share, text }) => `  ${Math.round(share * 100)} %  ${path}:${line}  ${text}`,
    );
    return [`${room}: ${comments.length}`, ...lines].join("\n");
  });
  return parts.join("\n\n");
}

/** A sentence when there are more than the ceiling allows; else nothing. */
export function aboveCeiling(count: number, max = unclearCommentsMax): string {
  if (count <= max) return "";
  return `${count} comments need a second reading, ${max} may. List them: node spec/tidy/comments.ts`;
}

/** Writes the number into this file when it is below the ceiling. */
function lowerCeiling(count: number): string {
  if (count >= unclearCommentsMax) return `The ceiling stays at ${unclearCommentsMax}.`;
  const text = readFileSync(import.meta.filename, "utf8");
  writeFileSync(import.meta.filename, text.replace(/(unclearCommentsMax = )\d+/, `$1${count}`));
  return `The ceiling is ${count} now; it was ${unclearCommentsMax}.`;
}

if (import.meta.main) {
  const [first = "", second = ""] = process.argv.slice(2);
  const within = (first === "--lower" ? second : first).replace(/^\.\/|\/$/g, "");
  const { judged, unclear } = judgeComments(readSourceTree());
  const shown = unclear.filter(({ path }) => path === within || path.startsWith(within && `${within}/`));
  if (shown.length > 0) process.stdout.write(`${describeUnclear(shown)}\n\n`);
  process.stdout.write(
    `${shown.length} here, ${unclear.length} of ${judged} in the project; at most ${unclearCommentsMax}.\n`,
  );
  if (first === "--lower") process.stdout.write(`${lowerCeiling(unclear.length)}\n`);
}
