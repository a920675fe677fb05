/**
 * One server program of ours (PostgreSQL, nats-server) as a child process: in a session of its own, so that a
 * terminal's Ctrl-C reaches only us; with its output in a bounded log file; and with its identity recorded
 * (owned-process.ts), so that the next run finds it if we are killed. The callers know which server it is,
 * and when it is ready.
 */
import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Code } from "../../protocol/wire/reasons.ts";
import { isDiskTrouble } from "../process/log-file.ts";
import {
  endProcess,
  findProved,
  type ProcessProof,
  proofOf,
  removeProof,
  writeProof,
} from "../process/owned-process.ts";
import type { Stop } from "../setup/run-command.mjs";
import { upLimits } from "./limits.ts";

export interface ServerProgram {
  /** Name for people: "PostgreSQL", "NATS". */
  readonly name: string;
  readonly program: string;
  readonly arguments: readonly string[];
  /** The argument that only this process has. */
  readonly ownArgument: string;
  readonly proofFile: string;
  readonly logFile: string;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The unprivileged user to run as; absent: ours. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** True: the kernel ends the server when we die, however we die. For throwaway servers. */
  readonly diesWithUs: boolean;
  /** The signal that ends the server cleanly. */
  readonly stopSignal: NodeJS.Signals;
  /** The signal that ends the server at once, with its children. */
  readonly killSignal: NodeJS.Signals;
  /** Ends it also while it is starting. */
  readonly stop?: Stop | undefined;
  /** Whether exactly the process with this pid answers. */
  readonly ready: (pid: number) => Promise<boolean>;
}

export interface ServerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningServer {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  readonly pid: number;
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<ServerEnd>;
  /**
   * Ends the server cleanly, or by force after upLimits.serverStopTimeoutMs; resolves when it is gone.
   * Idempotent.
   */
  stop(): Promise<void>;
  /** Ends it at once, without a word; `ended` resolves when it is gone. */
  kill(): void;
}

/** A server could not be started; the message is for people and says what to do. */
export class ServerStartError extends Error {
  override readonly name = "ServerStartError";
  /** The protocol's code of this failure; the exit code follows from it. */
  readonly code: Code;

  /** A full disk that the message tells of is one, whatever `code` says. */
  constructor(message: string, code: Code = "UNAVAILABLE") {
    super(message);
    this.code = /No space left on device|ENOSPC|Disk quota exceeded/.test(message)
      ? "RESOURCE_EXHAUSTED"
      : code;
  }
}

/** Period of checking whether a starting server answers. */
const lookEveryMs = 20;
const logTailLines = 12;

/** Ends the server that a killed former run left behind; answers whether there was one. */
export async function clearLeftover(proofFile: string, stopSignal: NodeJS.Signals): Promise<boolean> {
  const leftover = findProved(proofFile);
  if (leftover !== undefined) {
    await endProcess(leftover, { signal: stopSignal, patienceMs: upLimits.serverStopTimeoutMs });
  }
  removeProof(proofFile);
  return leftover !== undefined;
}

/**
 * Starts the program; resolves when it is ready.
 * @throws ServerStartError with the end of its log; the reason of `stop.first` when that is aborted
 */
export async function startServerProcess(
  server: ServerProgram,
): Promise<Pick<RunningServer, "pid" | "ended" | "stop" | "kill">> {
  server.stop?.first.throwIfAborted();
  const child = launch(server);
  let running = true;
  const ended = new Promise<ServerEnd>((resolve) => {
    const end = (how: ServerEnd) => {
      running = false;
      resolve(how);
    };
    child.once("exit", (code, signal) => end({ code, signal }));
    child.once("error", () => end({ code: null, signal: null }));
  });
  const pid = child.pid ?? 0;
  const writeDown = (): ProcessProof | undefined => {
    const proof = proofOf(pid, server.ownArgument);
    if (proof !== undefined) writeProof(server.proofFile, proof);
    return proof;
  };
  try {
    writeDown();
  } catch (error) {
    // A process that cannot be recorded must not run on: nobody would find it again.
    child.kill(server.killSignal);
    throw error;
  }
  const deadlineMs = performance.now() + upLimits.serverStartTimeoutMs;
  while (!(await server.ready(pid))) {
    if (server.stop?.first.aborted === true) {
      await cutOff(child, ended, server);
      server.stop.first.throwIfAborted();
    }
    if (!running) throw failure(server, "ended while it was starting");
    if (performance.now() > deadlineMs) {
      child.kill("SIGKILL");
      await ended;
      throw failure(server, `did not answer within ${upLimits.serverStartTimeoutMs / 1_000} s`);
    }
    await sleep(lookEveryMs);
  }
  const bounding = setInterval(() => {
    try {
      boundLog(server.logFile);
    } catch (error) {
      clearInterval(bounding);
      process.emitWarning(`${server.logFile} cannot be bounded: ${(error as Error).message}`);
    }
  }, upLimits.serverLogLookMs).unref();
  void ended.then(() => clearInterval(bounding));
  const proof = writeDown();
  if (proof === undefined) throw failure(server, "ended while it was starting");
  child.unref();
  const stop = async (): Promise<void> => {
    child.ref();
    await endProcess(proof, { signal: server.stopSignal, patienceMs: upLimits.serverStopTimeoutMs });
    await ended;
    removeProof(server.proofFile);
  };
  return { pid: proof.pid, ended, stop, kill: () => void child.kill(server.killSignal) };
}

/** Ends a server that is still starting. */
async function cutOff(child: ChildProcess, ended: Promise<ServerEnd>, server: ServerProgram): Promise<void> {
  const kill = () => void child.kill(server.killSignal);
  const timer = setTimeout(kill, upLimits.serverStopTimeoutMs);
  server.stop?.second.addEventListener("abort", kill);
  child.kill(server.stopSignal);
  if (server.stop?.second.aborted === true) kill();
  await ended;
  clearTimeout(timer);
  server.stop?.second.removeEventListener("abort", kill);
  removeProof(server.proofFile);
}

function launch(server: ServerProgram): ChildProcess {
  const log = openOutput(server.logFile);
  // setpriv replaces itself with the program, so the pid is the server's own.
  const [program, ...leading] = server.diesWithUs
    ? ["setpriv", "--pdeathsig", "QUIT", ...userArguments(server.user), server.program]
    : [server.program];
  const child = spawn(program ?? server.program, [...leading, ...server.arguments], {
    cwd: server.directory,
    env: { ...server.environment },
    stdio: ["ignore", log, log],
    detached: true,
    ...(server.user === undefined || server.diesWithUs ? {} : server.user),
  });
  if (log !== "ignore") closeSync(log);
  return child;
}

/**
 * Opens the file for what a process of ours prints. Without room for the file the process runs all the same,
 * and its words are lost. The caller closes it.
 */
export function openOutput(file: string): number | "ignore" {
  try {
    rotate(file);
    return openSync(file, "a", 0o600);
  } catch (error) {
    if (isDiskTrouble(error)) return "ignore";
    throw error;
  }
}

const userArguments = (user: ServerProgram["user"]): readonly string[] =>
  user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"];

function failure(server: ServerProgram, what: string): ServerStartError {
  let tail = "(its log cannot be read)";
  try {
    tail = readFileSync(server.logFile, "utf8").trimEnd().split("\n").slice(-logTailLines).join("\n  ");
  } catch (error) {
    tail = `(its log cannot be read: ${(error as Error).message})`;
  }
  return new ServerStartError(
    `${server.name} ${what}. The end of its log, ${server.logFile}:\n  ${tail}\n` +
      `Command: ${[server.program, ...server.arguments].join(" ")}`,
  );
}

/**
 * Empties the log of a running server when that log has grown too long; at most one older file is kept. The
 * server has the file open to append to it, so the file is copied and not renamed, and some lines may be
 * lost. What clients cause makes lines there, and nats-server 2.9 keeps every old file of a log of its own.
 */
export function boundLog(logFile: string): void {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size < upLimits.serverLogBytesMax) return;
  try {
    copyFileSync(logFile, `${logFile}.1`);
  } catch {
    // On a full disk the old lines are worth less than the room that they take.
    rmSync(`${logFile}.1`, { force: true });
  }
  truncateSync(logFile);
}

/** Renames a log file that has grown too long; at most one older file is kept. */
function rotate(logFile: string): void {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size < upLimits.serverLogBytesMax) return;
  rmSync(`${logFile}.1`, { force: true });
  renameSync(logFile, `${logFile}.1`);
}

/** A port of 127.0.0.1 that is free at this moment. */
export async function freePort(): Promise<number> {
  return listenOnce(0);
}

/** True when no process listens on the port. */
export async function isPortFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EADDRINUSE" || code === "EACCES") return false;
    throw error;
  }
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === "object" && address !== null ? address.port : port;
      server.close(() => resolve(found));
    });
  });
}
