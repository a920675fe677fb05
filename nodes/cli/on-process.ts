/**
 * The process as a terminal: its streams, its clock, Ctrl-C, and the SDK. A reader that goes away (`| head`)
 * ends the command quietly. Ctrl-C ends the work under way and closes the connection; a second Ctrl-C ends
 * the process.
 */

import { exitCodes } from "../package/exit-codes.ts";
import { typedCommand } from "../package/typed-command.ts";
import type { Connect } from "./session.ts";
import type { Terminal } from "./terminal.ts";

export async function onProcess(
  command: (terminal: Terminal, connect: Connect) => Promise<number>,
): Promise<number> {
  const interrupted = new AbortController();
  const interrupt = () => {
    if (interrupted.signal.aborted) process.exit(exitCodes.interrupted.exit);
    interrupted.abort(new Error("Interrupted."));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
  for (const stream of [process.stdout, process.stderr]) stream.on("error", readerGone);
  const terminal: Terminal = {
    out: process.stdout,
    err: process.stderr,
    env: process.env,
    command: typedCommand(),
    nowMs: () => Date.now(),
    signal: interrupted.signal,
    ask: (question) => askThere(question, interrupted.signal),
  };
  return command(terminal, connectBySdk);
}

/** Asks on stderr: stdout is for results. */
async function askThere(question: string, signal: AbortSignal): Promise<string | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question, { signal });
  } catch {
    // Ctrl-C or Ctrl-D: no answer.
    return undefined;
  } finally {
    lines.close();
  }
}

function readerGone(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(exitCodes.ok.exit);
}

/** Loaded only when a command needs a cluster, so that help and completion of commands are immediate. */
const connectBySdk: Connect = async (options) => {
  const { connect } = await import("../sdk/sdk.ts");
  return connect(options);
};
