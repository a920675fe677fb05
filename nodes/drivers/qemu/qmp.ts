/**
 * One connection to one QEMU by its machine protocol (QMP): greeting, capabilities, commands, events. Every
 * wait has a deadline: a second client of the same socket connects and then never hears anything, and neither
 * does anybody when QEMU hangs. No line is dropped silently: a line that fits nothing is logged. Events that
 * happen while nobody is connected are lost by QMP's design, so a new connection must read the state again.
 * Source: QEMU's "QMP protocol specification"; tried with 7.2.
 */
import { type FileHandle, open } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { basename, dirname } from "node:path";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import { abortError, throwIfAborted, within } from "../waiting.ts";
import { qemuLimits } from "./limits.ts";

export interface QmpEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface QmpOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly greetingTimeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent: (event: QmpEvent) => void;
  /** Called once, when the connection has ended for whatever reason, also after `close`. */
  readonly onClose: () => void;
}

/** QEMU refused a command: it is alive and executed nothing. */
export class QmpRefusal extends Error {
  override readonly name = "QmpRefusal";
  readonly errorClass: string;

  constructor(command: string, errorClass: string, description: string) {
    super(`QEMU refused ${command}: ${description}`);
    this.errorClass = errorClass;
  }
}

/** QEMU did not answer: the connection ended or the deadline passed. The command may have been executed. */
export class QmpSilence extends Error {
  override readonly name = "QmpSilence";
}

interface Waiting {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class QmpConnection {
  readonly #socket: Socket;
  readonly #options: QmpOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #greeting = Promise.withResolvers<void>();
  #received = "";
  #nextId = 1;
  #closed = false;

  private constructor(socket: Socket, options: QmpOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#greeting.promise.catch(() => undefined);
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#take(text));
    socket.on("error", (error) => options.log.debug({ error: error.message }, "a QMP socket failed"));
    socket.on("close", () => this.#end());
  }

  /**
   * Connects and negotiates capabilities; commands work when this resolves.
   * @throws QmpSilence; AbortError; the socket's error (ENOENT, ECONNREFUSED: nobody listens)
   */
  static async open(path: string, options: QmpOptions): Promise<QmpConnection> {
    throwIfAborted(options.signal);
    const socket = await connectSocket(path);
    if (socket.destroyed) throw new QmpSilence("The connection to QEMU ended at once.");
    const connection = new QmpConnection(socket, options);
    try {
      await within(connection.#greeting.promise, {
        clock: options.clock,
        timeoutMs: options.greetingTimeoutMs ?? qemuLimits.qmpCommandTimeoutMs,
        signal: options.signal,
        late: () => new QmpSilence("QEMU did not greet in time."),
      });
      await connection.execute("qmp_capabilities", {}, options.signal);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Executes a command. @throws QmpRefusal, QmpSilence, AbortError (the command may have been executed
   * nevertheless)
   */
  execute(command: string, data: Readonly<Record<string, unknown>> = {}, signal?: AbortSignal) {
    if (this.#closed) return Promise.reject(new QmpSilence("The connection to QEMU has ended."));
    if (signal?.aborted === true) return Promise.reject(abortError());
    const id = this.#nextId++;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { command, resolve, reject });
    });
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: data, id })}\n`);
    return within(answer, {
      clock: this.#options.clock,
      timeoutMs: qemuLimits.qmpCommandTimeoutMs,
      signal,
      late: () => new QmpSilence(`QEMU did not answer ${command} in time.`),
    }).finally(() => this.#waiting.delete(id));
  }

  close(): void {
    this.#socket.destroy();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    const error = new QmpSilence("The connection to QEMU ended.");
    this.#greeting.reject(error);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    this.#options.onClose();
  }

  #take(text: string): void {
    this.#received += text;
    for (;;) {
      const end = this.#received.indexOf("\n");
      if (end < 0) break;
      const line = this.#received.slice(0, end).trim();
      this.#received = this.#received.slice(end + 1);
      if (line !== "") this.#takeLine(line);
    }
    if (this.#received.length <= qemuLimits.qmpLineBytesMax) return;
    this.#options.log.warn(
      { length: this.#received.length },
      "a line of QMP is too long; the connection ends",
    );
    this.close();
  }

  #takeLine(line: string): void {
    const message = parseObject(line);
    if (message === undefined) this.#odd(line);
    else if ("QMP" in message) this.#greeting.resolve();
    else if (typeof message.event === "string") this.#takeEvent(message.event, message.data);
    else this.#takeAnswer(message, line);
  }

  #takeEvent(name: string, data: unknown): void {
    this.#options.onEvent({ name, data: asObject(data) ?? {} });
  }

  #takeAnswer(message: Readonly<Record<string, unknown>>, line: string): void {
    const waiting = typeof message.id === "number" ? this.#waiting.get(message.id) : undefined;
    const refusal = asObject(message.error);
    if (waiting === undefined) this.#odd(line);
    else if (refusal === undefined) waiting.resolve(message.return);
    else waiting.reject(new QmpRefusal(waiting.command, String(refusal.class), String(refusal.desc)));
  }

  /** Logs a line that fits nothing; mostly the answer to a command whose deadline has passed. */
  #odd(line: string): void {
    this.#options.log.debug({ line: line.slice(0, 200) }, "nobody waits for this line of QMP");
  }
}

export function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : undefined;
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return asObject(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/**
 * Connects by way of an open directory, whose path is short wherever the directory is: a socket's address
 * holds 107 bytes.
 */
async function connectSocket(path: string): Promise<Socket> {
  const directory = await open(dirname(path), "r");
  try {
    return await connected(directory, basename(path));
  } finally {
    await directory.close();
  }
}

function connected(directory: FileHandle, name: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(`/proc/self/fd/${directory.fd}/${name}`);
    // This listener stays: an error before the connection has its own listener must not end the process.
    socket.on("error", reject);
    socket.once("connect", () => resolve(socket));
  });
}
