/**
 * The attacks of a flood, by the bus alone: a hostile tenant has no patience, and no SDK that counts its
 * attempts. Each goes on until it is told to end, and counts what it sent and what came back.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { connect, headers, type Msg, type NatsConnection, NatsError, type PublishOptions } from "#nats";
import { headerNames } from "../../protocol/wire/headers.ts";
import { commandSubject } from "../../protocol/wire/subjects.ts";
import type { FloodReport, FloodTask } from "./flood-kinds.ts";

const largeBytesMax = 8 * 1024 ** 2;
const smallBytes = 200;
const largeConnections = 3;
/** Where the task names no number: those of the findings that the flood is measured by. */
const amounts = { connections: 3_000, polls: 8_000, consoles: 300, creates: 3 } as const;
const pollMs = 30_000;
/** Messages between two looks at whether the server has taken them. */
const batch = 500;
const dialAtOnce = 50;
/** Until what was begun before the end has come to its own. */
const lastAnswersMs = 1_000;
const patienceMs = 60_000;

interface Message {
  readonly subject: string;
  readonly body: Uint8Array;
  readonly timeoutMs?: number;
}

/** Carries the task out until the signal. @throws NatsError when there is no connection at all */
export async function attack(task: FloodTask, ending: AbortSignal): Promise<FloodReport> {
  const sender = new Sender(task, ending);
  const startedAtMs = performance.now();
  try {
    // A connection that the server neither takes nor refuses would be waited for after the end.
    await Promise.race([deeds[task.kind](sender), sender.over.then(() => sleep(lastAnswersMs))]);
  } finally {
    await sender.close();
  }
  const seconds = (performance.now() - startedAtMs) / 1_000;
  return sender.report(seconds);
}

const deeds: Readonly<Record<FloodTask["kind"], (sender: Sender) => Promise<void>>> = {
  questions: async (sender) => {
    const ask = (subject: string): Message => ({ subject, body: new Uint8Array() });
    await sender.pour([ask("$SRV.INFO"), ask("$SRV.PING")]);
  },
  small: (sender) => sender.pour([sender.command("instance", "list", new Uint8Array(smallBytes).fill(0x20))]),
  large: async (sender) => {
    const pouring = Array.from({ length: largeConnections }, async () => {
      const connection = await sender.dial();
      const bytes = Math.min(largeBytesMax, connection.info?.max_payload ?? largeBytesMax);
      await sender.pour([sender.command("instance", "list", new Uint8Array(bytes))], { connection, each: 1 });
    });
    await Promise.all(pouring);
  },
  connections: (sender) => sender.holdMany(),
  polls: (sender) => {
    const body = encoded({ waitMs: pollMs });
    return sender.keepAsking([{ ...sender.command("event", "list", body), timeoutMs: pollMs + 5_000 }]);
  },
  consoles: (sender) => {
    const body = encoded({ waitMs: pollMs });
    const asked = (sender.task.instances ?? []).map((id) => ({
      ...sender.command("instance", "console", body, id),
      timeoutMs: pollMs + 5_000,
    }));
    return sender.keepAsking(asked);
  },
  creates: (sender) => {
    const body = encoded({ name: "flood", ...sender.task.wanted });
    return sender.askOnce({ ...sender.command("instance", "create", body), timeoutMs: patienceMs });
  },
};

const encoded = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

class Sender {
  readonly task: FloodTask;
  readonly #ending: AbortSignal;
  readonly #open = new Set<NatsConnection>();
  readonly #answers: Record<string, number> = {};
  readonly #refused: Record<string, number> = {};
  readonly #startedAtMs = performance.now();
  /** Resolves at the end. */
  readonly over: Promise<void>;
  #inboxes = 0;
  #sent = 0;
  #bytes = 0;
  #connectionsMax = 0;

  constructor(task: FloodTask, ending: AbortSignal) {
    this.task = task;
    this.#ending = ending;
    this.over = new Promise((resolve) => {
      if (ending.aborted) resolve();
      ending.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  report(seconds: number): FloodReport {
    return {
      seconds: Number(seconds.toFixed(2)),
      ...{ sent: this.#sent, perSecond: Math.round(this.#sent / seconds), bytes: this.#bytes },
      ...{ connections: this.#connectionsMax, answers: this.#answers, refused: this.#refused },
    };
  }

  command(noun: string, method: string, body: Uint8Array, id = ""): Message {
    const { cell, project, subject } = this.task;
    return { subject: subject ?? commandSubject(cell, project, noun, method, id), body };
  }

  /** A connection that is opened again when it is lost, unless it is one of many that are only held. */
  async dial({ again = true } = {}): Promise<NatsConnection> {
    const { servers, user, pass } = this.task.credentials;
    const who = user === undefined || pass === undefined ? {} : { user, pass };
    const connection = await connect({
      ...{ servers: [...servers], ...who, name: "flood", reconnect: again },
      ...{ maxReconnectAttempts: -1, reconnectTimeWait: 100 },
      ...{ noAsyncTraces: true, pingInterval: patienceMs, timeout: patienceMs },
    });
    this.#open.add(connection);
    this.#connectionsMax = Math.max(this.#connectionsMax, this.#open.size);
    void this.#hearOf(connection);
    void connection.closed().then((error) => {
      this.#open.delete(connection);
      if (error !== undefined) this.#count(this.#refused, textOf(error));
    });
    return connection;
  }

  /** What the server says against the connection. */
  async #hearOf(connection: NatsConnection): Promise<void> {
    for await (const { type, data } of connection.status())
      if (type === "error" || type === "disconnect") this.#count(this.#refused, `${type} ${String(data)}`);
  }

  #count(counts: Record<string, number>, key: string): void {
    // The address of a server is no reason.
    const known = key.startsWith("disconnect") ? "disconnect" : key.slice(0, 60);
    counts[known] = (counts[known] ?? 0) + 1;
  }

  /** One message after the other, as fast as the server takes them. */
  async pour(
    messages: readonly Message[],
    {
      connection: given,
      each = batch,
    }: { readonly connection?: NatsConnection; readonly each?: number } = {},
  ): Promise<void> {
    const connection = given ?? (await this.dial());
    const { subject } = this.task;
    const reply = this.#listen(connection, () => undefined);
    const { perSecondMax = Number.POSITIVE_INFINITY } = this.task;
    for (let next = 0; !this.#ending.aborted; ) {
      const due = this.#due(perSecondMax);
      for (let index = 0; index < Math.min(each, due); index += 1, next += 1) {
        const message = messages[next % messages.length];
        if (message === undefined) return;
        this.#publish(connection, { ...message, subject: subject ?? message.subject }, { reply });
      }
      await this.#taken(connection);
    }
  }

  /** How many may be sent now. */
  #due(perSecondMax: number): number {
    const seconds = (performance.now() - this.#startedAtMs) / 1_000;
    return Math.max(0, Math.ceil(seconds * perSecondMax) - this.#sent);
  }

  /** The server has read all that was sent. */
  async #taken(connection: NatsConnection): Promise<void> {
    const flushed = connection.flush().catch((error: unknown) => this.#count(this.#refused, textOf(error)));
    await Promise.race([flushed, this.over]);
    // Answers are read, and signals are heard, though there is always more to send.
    await sleep(0);
  }

  #publish(connection: NatsConnection, { subject, body, timeoutMs }: Message, options: PublishOptions): void {
    const chosen = { ...options };
    if (timeoutMs !== undefined) {
      chosen.headers = headers();
      chosen.headers.set(headerNames.timeoutMs, String(timeoutMs));
    }
    try {
      connection.publish(subject, body, chosen);
      this.#sent += 1;
      this.#bytes += body.length;
    } catch (error) {
      this.#count(this.#refused, textOf(error));
    }
  }

  /** A subject for answers, which are counted; `heard` is called after each. */
  #listen(connection: NatsConnection, heard: (message: Msg) => void): string {
    this.#inboxes += 1;
    const inbox = `${this.task.credentials.inboxPrefix ?? "_INBOX"}.flood${this.#inboxes}`;
    connection.subscribe(`${inbox}.*`, {
      callback: (error, message) => {
        if (error !== null) return this.#count(this.#refused, error.code);
        const reason = message.headers?.get(headerNames.reason) ?? "";
        const silent = message.headers?.code === 503 ? "noResponders" : "ok";
        this.#count(this.#answers, reason === "" ? silent : reason);
        heard(message);
      },
    });
    return `${inbox}.1`;
  }

  /** So many questions are under way at all times. */
  async keepAsking(messages: readonly Message[]): Promise<void> {
    const { kind, amount = kind === "polls" ? amounts.polls : amounts.consoles } = this.task;
    const { perSecondMax = Number.POSITIVE_INFINITY } = this.task;
    if (messages.length === 0) throw new Error(`There is nothing to ask for ${kind}.`);
    const connection = await this.dial();
    let underWay = 0;
    const reply = this.#listen(connection, () => {
      underWay -= 1;
    });
    for (let next = 0; !this.#ending.aborted; ) {
      const due = Math.min(amount - underWay, this.#due(perSecondMax), batch);
      for (let index = 0; index < due; index += 1, next += 1, underWay += 1) {
        const message = messages[next % messages.length];
        if (message !== undefined) this.#publish(connection, message, { reply });
      }
      await this.#taken(connection);
      // Whoever is refused at once asks again at once, and not more often than a loop turns.
      await sleep(10);
    }
  }

  /** The same question so many times at once; resolves when all are answered, or at the end. */
  async askOnce(message: Message): Promise<void> {
    const { amount = amounts.creates } = this.task;
    const connection = await this.dial();
    let left = amount;
    const reply = this.#listen(connection, () => {
      left -= 1;
    });
    for (let index = 0; index < amount; index += 1) this.#publish(connection, message, { reply });
    while (left > 0 && !this.#ending.aborted) await sleep(50);
  }

  /** Opens connections and holds them; those that are refused are tried again. */
  async holdMany(): Promise<void> {
    const { amount = amounts.connections, perSecondMax = Number.POSITIVE_INFINITY } = this.task;
    const dialer = async () => {
      while (!this.#ending.aborted) {
        if (this.#open.size >= amount || this.#due(perSecondMax) === 0) await sleep(50);
        else await this.#dialAgain();
      }
    };
    await Promise.all(Array.from({ length: dialAtOnce }, dialer));
  }

  async #dialAgain(): Promise<void> {
    this.#sent += 1;
    try {
      this.#listen(await this.dial({ again: false }), () => undefined);
    } catch (error) {
      this.#count(this.#refused, textOf(error));
      await sleep(100);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((connection) => connection.close().catch(() => undefined)));
  }
}

const textOf = (error: unknown): string => (error instanceof NatsError ? error.code : String(error));
