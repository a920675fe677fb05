/**
 * The exit codes of every program of ours: one number for each error that a script would treat differently.
 * Every gRPC code has an exit code; the README lists them, and a test compares.
 */
import type { Code } from "../../protocol/wire/reasons.ts";

export const exitCodes = {
  ok: { exit: 0, meaning: "done" },
  internal: { exit: 1, meaning: "failed for a reason that is a bug, of novact or of the guest" },
  usage: { exit: 2, meaning: "the command line or a value in it is wrong" },
  notFound: { exit: 3, meaning: "no such instance, host, flavor, image or operation" },
  conflict: { exit: 4, meaning: "not in this state: change the state first, or look again" },
  exhausted: { exit: 5, meaning: "no host fits, or a limit is reached" },
  unavailable: { exit: 6, meaning: "not executed: the cluster or a part of it cannot be reached" },
  timeout: { exit: 7, meaning: "may have been executed, or is still under way: the time was over" },
  denied: { exit: 8, meaning: "not allowed" },
  findings: {
    exit: 10,
    meaning: "doctor or plugin check found something, chaos a promise broken, or a network stops it",
  },
  interrupted: { exit: 130, meaning: "ended by Ctrl-C" },
} as const;

const exitNameOf = {
  INVALID_ARGUMENT: "usage",
  NOT_FOUND: "notFound",
  ALREADY_EXISTS: "conflict",
  FAILED_PRECONDITION: "conflict",
  ABORTED: "conflict",
  RESOURCE_EXHAUSTED: "exhausted",
  UNAVAILABLE: "unavailable",
  DEADLINE_EXCEEDED: "timeout",
  UNAUTHENTICATED: "denied",
  PERMISSION_DENIED: "denied",
  UNIMPLEMENTED: "internal",
  INTERNAL: "internal",
} as const satisfies Record<Code, keyof typeof exitCodes>;

export const isKnownCode = (code: string): code is Code => Object.hasOwn(exitNameOf, code);

/** The exit code of an error's code; a code that only a newer peer knows is treated as `internal`. */
export const exitCodeOf = (code: string): number =>
  isKnownCode(code) ? exitCodes[exitNameOf[code]].exit : exitCodes.internal.exit;
