/**
 * Makes mutating commands repeatable. They carry a request id even when the user gave none: after a timeout
 * nobody knows whether the command was executed, and the same command with the same id finds out without
 * executing it twice.
 */
import { CommandError } from "./errors.ts";

export interface Repeatable {
  /** The command line as it could be typed again, without its request id. */
  readonly line: string;
  readonly requestId: string;
}

/**
 * Runs the call with a request id. @throws CommandError timeout that says how to repeat; other errors
 * unchanged
 */
export async function repeatable<A>(
  { line, requestId }: Repeatable,
  send: (requestId: string) => Promise<A>,
): Promise<A> {
  try {
    return await send(requestId);
  } catch (thrown) {
    if (!isTimeout(thrown)) throw thrown;
    const next = `It may have been executed. Repeating is safe: ${line} --request-id ${requestId}`;
    throw new CommandError("timeout", thrown.message, next);
  }
}

const isTimeout = (thrown: unknown): thrown is Error =>
  thrown instanceof Error && "code" in thrown && thrown.code === "DEADLINE_EXCEEDED";
