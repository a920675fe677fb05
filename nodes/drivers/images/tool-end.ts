/**
 * What the end of a tool in the cage says of the image: what the tool found wrong with it, or that it was cut
 * short. A tool that was killed from outside, or that the computer had no room for, has found nothing: an
 * image must never be called unusable for that. Pure.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import { unusable } from "./refusal.ts";

export interface ToolEnd {
  /** Null: a signal ended it, or it never started. */
  readonly exitCode: number | null;
  /** Null where there is an exit code, and where it never started. */
  readonly endSignal: NodeJS.Signals | null;
  /** The caller killed the tool: no time was left. */
  readonly isLate: boolean;
  readonly errors: string;
}

/** `image`: the tool found a fault, or fell over the image. `cut`: the tool was cut short. */
export type Verdict = "done" | "full" | "image" | "cut";

/** How a shell and `prlimit` say that there is no such program, or none that can be run. */
const notRun = [126, 127];

/**
 * What a program does to itself, and the kernel when it is beyond a bound of its cage. Whatever else ends a
 * tool was sent by somebody: the kernel when memory is short, or a person.
 */
const ownSignals: ReadonlySet<string | null> = new Set([
  ...["SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP", "SIGXCPU", "SIGXFSZ"],
]);

/** The programs that build the cage, in their own words. */
const cageFailed = /^(?:unshare|setpriv|prlimit|env): /m;
const noRoom = /No space left on device|Disk quota exceeded/;
const noMemory = /Cannot allocate memory|Resource temporarily unavailable|not enough memory/;

export function verdictOf({ exitCode, endSignal, isLate, errors }: ToolEnd): Verdict {
  if (exitCode === 0) return "done";
  if (noRoom.test(errors)) return "full";
  if (isLate) return "image";
  if (exitCode === null && !ownSignals.has(endSignal)) return "cut";
  if (exitCode !== null && notRun.includes(exitCode)) return "cut";
  return cageFailed.test(errors) || noMemory.test(errors) ? "cut" : "image";
}

/**
 * The refusal that fits the end. `why`: what to say of the image, the rest of a sentence; `doing`: the
 * subject of one.
 */
export function refusalOf(end: ToolEnd, { why, doing }: { readonly why: string; readonly doing: string }) {
  const detail = detailOf(end);
  const verdict = verdictOf(end);
  if (verdict === "full")
    return new StatusError("diskFull", `${doing} failed: no space is left in the image store.`, { detail });
  if (verdict === "image") return unusable(why, detail);
  return new StatusError("toolFailed", `${doing} was cut short: nothing was found wrong with it.`, {
    detail,
  });
}

/** For the log: how it ended comes before what it said. */
const detailOf = ({ exitCode, endSignal, isLate, errors }: ToolEnd): string => {
  const end = exitCode === null ? `signal ${endSignal ?? "none"}` : `exit code ${exitCode}`;
  return `${end}${isLate ? ", out of time" : ""}: ${errors.trim()}`;
};
