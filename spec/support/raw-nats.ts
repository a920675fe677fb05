/**
 * A NATS client by hand, over a plain TCP socket: as anybody can write one from protocol/README.md alone. It
 * shares no code with the product, and so shows that the document describes the wire. Source: the NATS client
 * protocol (INFO, CONNECT, SUB, PUB, HPUB, MSG, HMSG, PING, PONG, -ERR).
 */
import { connect, type Socket } from "node:net";

export interface RawMessage {
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface RawNats {
  /** Publishes with a reply subject and waits for the first answer. */
  request(subject: string, body: Uint8Array | string, headers?: Record<string, string>): Promise<RawMessage>;
  publish(subject: string, body: Uint8Array | string): void;
  subscribe(subject: string, listener: (message: RawMessage) => void): void;
  /** Writes raw bytes. */
  write(bytes: string | Uint8Array): void;
  /** The server's errors (-ERR). */
  readonly errors: readonly string[];
  close(): void;
}

export interface RawCredentials {
  readonly user?: string;
  readonly pass?: string;
  readonly inboxPrefix?: string;
}

const requestTimeoutMs = 10_000;
const lineEnd = "\r\n";

/** Connects, and resolves when the server has answered to a PING. */
export async function connectRaw(url: string, credentials: RawCredentials = {}): Promise<RawNats> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.setNoDelay(true);
  const { user, pass } = credentials;
  const session = createSession(socket, credentials.inboxPrefix ?? "_INBOX");
  await session.ready;
  const hello = {
    verbose: false,
    pedantic: false,
    headers: true,
    no_responders: true,
    lang: "hand",
    version: "1",
  };
  socket.write(`CONNECT ${JSON.stringify(user === undefined ? hello : { ...hello, user, pass })}${lineEnd}`);
  socket.write(`SUB ${session.inbox}.* 1${lineEnd}PING${lineEnd}`);
  await session.pong();
  return session.client;
}

function createSession(socket: Socket, inboxPrefix: string) {
  const inbox = `${inboxPrefix}.raw${process.pid}x${socket.localPort ?? 0}x${Math.random().toString(36).slice(2)}`;
  const waiting = new Map<string, (message: RawMessage) => void>();
  const listeners = new Map<string, (message: RawMessage) => void>();
  const errors: string[] = [];
  const pongs: (() => void)[] = [];
  const ready = Promise.withResolvers<void>();
  let asked = 0;
  let subscriptions = 1;
  let buffered: Buffer = Buffer.alloc(0);

  socket.on("error", (error) => {
    errors.push(error.message);
    ready.reject(error);
  });
  socket.on("data", (data) => {
    buffered = Buffer.concat([buffered, data]);
    for (let taken = takeOne(buffered); taken !== undefined; taken = takeOne(buffered)) {
      buffered = buffered.subarray(taken.bytes);
      if (taken.line.startsWith("INFO ")) ready.resolve();
      else if (taken.line === "PING") socket.write(`PONG${lineEnd}`);
      else if (taken.line === "PONG") pongs.shift()?.();
      else if (taken.line.startsWith("-ERR")) errors.push(taken.line);
      else if (taken.message !== undefined) {
        const { sid, message } = taken.message;
        (sid === "1" ? waiting.get(message.subject) : listeners.get(sid))?.(message);
      }
    }
  });

  const send = (
    subject: string,
    body: Uint8Array | string,
    options: { reply?: string; headers?: Record<string, string> },
  ) => {
    const bytes = Buffer.from(body);
    const lines = Object.entries(options.headers ?? {}).map(([name, value]) => `${name}: ${value}${lineEnd}`);
    const head = lines.length === 0 ? "" : `NATS/1.0${lineEnd}${lines.join("")}${lineEnd}`;
    const reply = options.reply === undefined ? "" : `${options.reply} `;
    const headBytes = Buffer.byteLength(head);
    const sizes = head === "" ? `${bytes.length}` : `${headBytes} ${headBytes + bytes.length}`;
    socket.write(`${head === "" ? "PUB" : "HPUB"} ${subject} ${reply}${sizes}${lineEnd}${head}`);
    socket.write(bytes);
    socket.write(lineEnd);
  };

  const client: RawNats = {
    errors,
    request(subject, body, headers = {}) {
      asked += 1;
      const reply = `${inbox}.${asked}`;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no answer from ${subject}`)), requestTimeoutMs);
        waiting.set(reply, (message) => {
          clearTimeout(timer);
          waiting.delete(reply);
          resolve(message);
        });
        send(subject, body, { reply, headers });
      });
    },
    publish: (subject, body) => send(subject, body, {}),
    subscribe(subject, listener) {
      subscriptions += 1;
      listeners.set(String(subscriptions), listener);
      socket.write(`SUB ${subject} ${subscriptions}${lineEnd}`);
    },
    write: (bytes) => {
      socket.write(bytes);
    },
    close: () => socket.destroy(),
  };
  return {
    inbox,
    client,
    ready: ready.promise,
    pong: () => new Promise<void>((resolve) => pongs.push(resolve)),
  };
}

interface Taken {
  readonly bytes: number;
  readonly line: string;
  readonly message?: { readonly sid: string; readonly message: RawMessage };
}

/** The first whole protocol message in the buffer, or undefined while a part is missing. */
function takeOne(buffered: Buffer): Taken | undefined {
  const end = buffered.indexOf(lineEnd);
  if (end < 0) return undefined;
  const line = buffered.toString("latin1", 0, end);
  const parts = line.split(" ");
  const from = end + lineEnd.length;
  if (parts[0] !== "MSG" && parts[0] !== "HMSG") return { bytes: from, line };
  const total = Number(parts.at(-1));
  const headBytes = parts[0] === "HMSG" ? Number(parts.at(-2)) : 0;
  if (buffered.length < from + total + lineEnd.length) return undefined;
  const message = {
    subject: parts[1] ?? "",
    headers: headersOf(buffered.toString("utf8", from, from + headBytes)),
    body: Buffer.from(buffered.subarray(from + headBytes, from + total)),
  };
  return { bytes: from + total + lineEnd.length, line, message: { sid: parts[2] ?? "", message } };
}

/** `NATS/1.0 503` becomes the header `Status`. */
function headersOf(text: string): Record<string, string> {
  const [first = "", ...lines] = text.split(lineEnd);
  const status = first.slice("NATS/1.0".length).trim();
  const pairs = lines.flatMap((line) => {
    const colon = line.indexOf(":");
    return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()] as const];
  });
  return Object.fromEntries(status === "" ? pairs : [["Status", status], ...pairs]);
}
