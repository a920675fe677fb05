/**
 * A controller or compute node as a child process of `up`, in a session of its own: a terminal's Ctrl-C
 * reaches only `up`, which ends its children in the right order. When `up` dies, its children notice the
 * closed channel and end themselves.
 */
import { type ChildProcess, fork } from "node:child_process";
import { closeSync } from "node:fs";
import { isKnownCode } from "../package/exit-codes.ts";
import { programFile } from "../package/program-files.ts";
import {
  isChildMessage,
  isMeasured,
  type MeasureMessage,
  type ShutdownMessage,
  type ThreadMeasured,
} from "../process/messages.ts";
import { proofOf, removeProof, writeProof } from "../process/owned-process.ts";
import { upLimits } from "./limits.ts";
import { clearLeftover, openOutput, type ServerEnd, ServerStartError } from "./server-process.ts";

export interface NodeProcessOptions {
  /** `controller-1`, or the compute node's name. */
  readonly name: string;
  /** Path of the program; absent: main.ts. */
  readonly entry?: string;
  /** Path of what runs it with Node's arguments, as in a namespace of its own; absent: this Node. */
  readonly runtime?: string;
  /** Arguments of main.ts: the role and its options. */
  readonly arguments: readonly string[];
  /** Environment variables beside our own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Options for Node itself. */
  readonly nodeArguments: readonly string[];
  /**
   * Where the process is recorded, with one of its arguments that no other cluster's process has. Two agents
   * of one node would fight for its guests, so an agent that a killed `up` left is ended first.
   */
  readonly identity?: { readonly file: string; readonly argument: string };
  /** File of its output outside the log: the last words of a crash. */
  readonly outputFile: string;
  /** Kills it when aborted, were it still starting. */
  readonly now?: AbortSignal | undefined;
}

export interface NodeProcess {
  readonly pid: number;
  readonly ended: Promise<ServerEnd>;
  /** The counters of the process's threads; null: no answer came within `patienceMs`. */
  measure(patienceMs: number): Promise<readonly ThreadMeasured[] | null>;
  /**
   * Asks the process to end; SIGKILL follows after patienceMs and a grace. Resolves when the process is gone.
   * Idempotent.
   */
  shutdown(message: Omit<ShutdownMessage, "kind">): Promise<void>;
  /** Ends it at once, without a word; `ended` resolves when it is gone. */
  kill(): void;
}

/**
 * Starts the process; resolves when it reports that it is ready. @throws ServerStartError with its message,
 * or when it reports nothing
 */
export async function startNodeProcess(options: NodeProcessOptions): Promise<NodeProcess> {
  const { identity } = options;
  if (identity !== undefined) await clearLeftover(identity.file, "SIGTERM");
  const output = openOutput(options.outputFile);
  const child = fork(options.entry ?? programFile("main"), [...options.arguments], {
    env: { ...process.env, ...options.environment },
    detached: true,
    execArgv: [...options.nodeArguments],
    ...(options.runtime !== undefined && { execPath: options.runtime }),
    stdio: ["ignore", output, output, "ipc"],
  });
  if (output !== "ignore") closeSync(output);
  record(child, identity);
  const ended = new Promise<ServerEnd>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const told = new Promise<ServerStartError | undefined>((resolve) => {
    child.on("message", (message) => {
      if (!isChildMessage(message)) return;
      resolve(message.kind === "ready" ? undefined : notStarted(options, message.message, message.code));
    });
  });
  const killNow = () => void child.kill("SIGKILL");
  const timer = setTimeout(killNow, upLimits.serverStartTimeoutMs);
  options.now?.addEventListener("abort", killNow);
  const silent = ended.then(() => notStarted(options, `It ended without a word; see ${options.outputFile}.`));
  const failure = await Promise.race([told, silent]);
  clearTimeout(timer);
  options.now?.removeEventListener("abort", killNow);
  if (failure !== undefined) {
    await ended;
    throw failure;
  }
  const shutdown = async (message: Omit<ShutdownMessage, "kind">): Promise<void> => {
    if (child.connected) child.send({ kind: "shutdown", ...message });
    const late = setTimeout(killNow, message.patienceMs + upLimits.serverStopTimeoutMs);
    await ended;
    clearTimeout(late);
    if (identity !== undefined) removeProof(identity.file);
  };
  return { pid: child.pid ?? 0, ended, measure: measuring(child), shutdown, kill: killNow };
}

function measuring(child: ChildProcess): NodeProcess["measure"] {
  let number = 0;
  const asked = new Map<number, (threads: readonly ThreadMeasured[]) => void>();
  child.on("message", (message) => {
    if (isMeasured(message)) asked.get(message.number)?.(message.threads);
  });
  return (patienceMs) =>
    new Promise((resolve) => {
      if (!child.connected) return resolve(null);
      number += 1;
      const own = number;
      const end = (threads: readonly ThreadMeasured[] | null) => {
        clearTimeout(timer);
        asked.delete(own);
        resolve(threads);
      };
      const timer = setTimeout(() => end(null), patienceMs);
      asked.set(own, end);
      child.send({ kind: "measure", number: own } satisfies MeasureMessage, (error) => {
        if (error !== null) end(null);
      });
    });
}

/** A process that cannot be recorded must not run on: nobody would find it again. */
function record(child: ChildProcess, identity: NodeProcessOptions["identity"]): void {
  if (identity === undefined) return;
  try {
    const proof = proofOf(child.pid ?? 0, identity.argument);
    if (proof !== undefined) writeProof(identity.file, proof);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

function notStarted({ name }: NodeProcessOptions, why: string, code = "UNAVAILABLE"): ServerStartError {
  return new ServerStartError(`${name} did not start: ${why}`, isKnownCode(code) ? code : "INTERNAL");
}
