/**
 * How a program of ours ends with an error: what it prints for people, and its exit code. The one place
 * that tells an error for people, whose message is enough, from a bug, which needs its stack. An error says
 * what it is by a `code` of the protocol, whatever its class. This file must never print anything itself.
 */
import { StatusError } from "../../protocol/wire/status.ts";
import { exitCodeOf, exitCodes, isKnownCode } from "./exit-codes.ts";

export interface Failure {
  /** Without a line end. */
  readonly text: string;
  readonly exit: number;
}

/** The failure of a program that ends with what was thrown. */
export function failureOf(thrown: unknown): Failure {
  if (!(thrown instanceof Error)) return { text: String(thrown), exit: exitCodes.internal.exit };
  const exit = exitCodeOf(codeOf(thrown) ?? "INTERNAL");
  return { text: isForPeople(thrown) ? `${thrown.message}${nextOf(thrown)}` : (thrown.stack ?? ""), exit };
}

/** The protocol's code for an error; undefined: nothing but its message tells what it is. */
export function codeOf(thrown: unknown): string | undefined {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  return isKnownCode(code) ? code : codesOfSystem[code];
}

/** What the operating system says, where it is the state of the computer and no bug. Source: errno(3). */
const codesOfSystem: Readonly<Record<string, string>> = {
  ENOSPC: "RESOURCE_EXHAUSTED",
  EDQUOT: "RESOURCE_EXHAUSTED",
  EACCES: "PERMISSION_DENIED",
  EPERM: "PERMISSION_DENIED",
  EROFS: "PERMISSION_DENIED",
};

/** Our own errors, those of the system, and those of programs that we ran. */
const isForPeople = (error: Error): boolean => {
  const code = codeOf(error);
  return code === undefined ? error.name === "Error" : code !== "INTERNAL";
};

function nextOf(error: Error): string {
  if (error instanceof StatusError) return `\n${error.toBody().next}`;
  return "next" in error && typeof error.next === "string" ? `\n${error.next}` : "";
}
