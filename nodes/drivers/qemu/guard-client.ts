/**
 * The guard port on the guard's own process (nodes/guard/main.ts): finds the living guard, or starts one
 * apart from the agent, so that it outlives the agent. This file must never take a guard that does not answer
 * for alive.
 */
import { spawn } from "node:child_process";
import { closeSync, constants, fstatSync, ftruncateSync, mkdirSync, openSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { guardLimits } from "../../../actors/node/guard/limits.ts";
import type { Guard } from "../../../actors/ports/guard.ts";
import type { GuardDeed } from "../../../protocol/guard.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import { programFile } from "../../package/program-files.ts";
import { guardFiles } from "../guard-files.ts";
import { driverLimits } from "../limits.ts";
import { toolEnvironment } from "../tool.ts";
import { delay, within } from "../waiting.ts";

export interface GuardOptions {
  /** The guard's own directory, in the host's state directory. */
  readonly directory: string;
  /** Real path of the directory that the host's guests work in. */
  readonly guests: string;
  readonly clock: Clock;
}

const connectPeriodMs = 20;

/**
 * A shell that restarts a guard that dies, before it is missed, even when the agent is dead or stuck: the
 * shell does nothing else. A guard that was told to end, or finds another guard, exits with 0 and is not
 * restarted.
 */
const keepAlive = 'until "$0" "$@"; do sleep 0.2; done';

/** Finds or starts the guard. @throws Error when no guard answers in time */
export async function openGuard(options: GuardOptions): Promise<Guard> {
  const { clock, directory } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const socket = (await tryConnect(directory)) ?? (await startAndConnect(options));
  const client = new GuardClient(socket, clock);
  await client.greet();
  return client;
}

async function startAndConnect(options: GuardOptions): Promise<Socket> {
  const { clock, directory } = options;
  const deadlineMs = clock.monotonicMs() + guardLimits.guardStartTimeoutMs;
  start(options);
  while (clock.monotonicMs() < deadlineMs) {
    const socket = await tryConnect(directory);
    if (socket !== undefined) return socket;
    await delay(clock, connectPeriodMs);
  }
  throw new Error(`The guard of this host did not start; its log is ${join(directory, guardFiles.log)}.`);
}

function start({ directory, guests }: GuardOptions): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const log = openSync(join(directory, guardFiles.log), flags, 0o600);
  try {
    if (fstatSync(log).size > driverLimits.processLogBytesMax) ftruncateSync(log);
    const launch = [process.execPath, programFile("drivers/qemu/guard-launch"), directory, guests];
    const child = spawn("/bin/sh", ["-c", keepAlive, ...launch], {
      cwd: directory,
      env: toolEnvironment,
      detached: true,
      stdio: ["ignore", log, log],
    });
    // Without the process nobody listens, and the missing answer is reported.
    child.on("error", () => undefined);
    child.unref();
  } finally {
    closeSync(log);
  }
}

/**
 * Connects through the directory's descriptor: a socket's path has 107 bytes at most, and a state directory's
 * path may have more.
 */
function tryConnect(directory: string): Promise<Socket | undefined> {
  const descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  return new Promise((resolve) => {
    const socket = connect(`/proc/self/fd/${descriptor}/${guardFiles.socket}`);
    const done = (answer: Socket | undefined) => {
      closeSync(descriptor);
      socket.removeAllListeners();
      resolve(answer);
    };
    socket.once("connect", () => done(socket));
    socket.once("error", () => done(undefined));
  });
}

class GuardClient implements Guard {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  readonly #onEnd: (() => void)[] = [];
  #number = 0;
  /** False: a guard of before, which ends a connection by which it is asked for its deeds. */
  #tells = false;
  #text = "";
  #alive = true;
  #closed = false;

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.setEncoding("utf8");
    socket.on("data", (chunk) => this.#read(String(chunk)));
    socket.on("error", () => this.#end());
    socket.on("close", () => this.#end());
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Learns the guard's last number: this agent's numbers go on from those of the agent before. */
  async greet(): Promise<void> {
    const { number, lastDeed } = await this.#ask({ kind: "status" }, (answer) => answer.kind === "status");
    this.#tells = typeof lastDeed === "number";
    if (typeof number !== "number") throw new Error("What listens on the guard's socket is no guard.");
    this.#number = number;
  }

  async extend(deadlineMs: number): Promise<void> {
    // The clock that the computer's processes share is read first, so that a delay between the two readings
    // makes the deadline earlier, never later.
    const machineMs = Number(process.hrtime.bigint()) / 1e6;
    const onMachine = machineMs + deadlineMs - this.#clock.monotonicMs();
    this.#number += 1;
    const number = this.#number;
    const wanted = (answer: Message) => answer.kind === "extended" && Number(answer.number) >= number;
    await this.#ask({ kind: "extend", number, deadlineMs: onMachine }, wanted);
  }

  async deeds(after: number): Promise<readonly GuardDeed[]> {
    if (!this.#tells) return [];
    const wanted = (answer: Message) => answer.kind === "deeds" && answer.after === after;
    const { deeds } = await this.#ask({ kind: "deeds", after }, wanted);
    const aheadMs = this.#clock.monotonicMs() - Number(process.hrtime.bigint()) / 1e6;
    const told: readonly GuardDeed[] = Array.isArray(deeds) ? deeds : [];
    return told.map((deed) => ({ ...deed, atMs: deed.atMs + aheadMs }));
  }

  async end(): Promise<void> {
    const wanted = ({ kind }: Message) => kind === "ending" || kind === "refused";
    const { kind, guests } = await this.#ask({ kind: "end" }, wanted);
    if (kind === "refused") throw new Error(`The guard still has ${String(guests)} guests.`);
    await this.close();
  }

  onEnd(listener: () => void): void {
    if (this.#closed) return;
    if (this.#alive) this.#onEnd.push(listener);
    else listener();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#onEnd.length = 0;
    this.#end();
  }

  async #ask(message: Message, wanted: Waiting["wanted"]): Promise<Message> {
    if (!this.#alive) throw ended();
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const waiting = { wanted, resolve, reject };
    this.#waiting.add(waiting);
    this.#socket.write(`${JSON.stringify(message)}\n`);
    const late = () => new Error("The guard of this host does not answer.");
    try {
      return await within(promise, { clock: this.#clock, timeoutMs: guardLimits.guardAnswerTimeoutMs, late });
    } catch (error) {
      // A guard that did not answer once is not relied on any more.
      this.#end();
      throw error;
    } finally {
      this.#waiting.delete(waiting);
    }
  }

  #read(chunk: string): void {
    const lines = (this.#text + chunk).split("\n");
    this.#text = lines.pop() ?? "";
    if (this.#text.length > guardLimits.guardLineBytesMax) this.#end();
    for (const line of lines) this.#hear(line);
  }

  #hear(line: string): void {
    let answer: Message;
    try {
      answer = Object(JSON.parse(line));
    } catch {
      this.#end();
      return;
    }
    for (const waiting of [...this.#waiting]) if (waiting.wanted(answer)) waiting.resolve(answer);
  }

  #end(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#socket.destroy();
    for (const { reject } of [...this.#waiting]) reject(ended());
    for (const listener of this.#onEnd.splice(0)) listener();
  }
}

type Message = Readonly<Record<string, unknown>>;

interface Waiting {
  readonly wanted: (answer: Message) => boolean;
  readonly resolve: (answer: Message) => void;
  readonly reject: (error: Error) => void;
}

const ended = (): Error => new Error("The guard of this host has ended.");
