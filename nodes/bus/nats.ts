/**
 * The bus on NATS. It hides the traps of the client library from all other code: a callback that throws
 * freezes the connection, messages published while disconnected are lost silently, a request whose connection
 * breaks would wait for its time-out, and drain does not wait for handlers.
 *
 * The bus carries bytes, whose meaning is defined in protocol/. Any message may be lost: the truth is in
 * PostgreSQL. Source of the library's behaviour: nats 2.29.3 as tried against nats-server 2.9.10.
 */
import {
  type ConnectionOptions,
  connect,
  createInbox,
  ErrorCode,
  type Msg,
  type NatsConnection,
  NatsError,
} from "#nats";
import { wireLimits } from "../../protocol/limits/wire.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Bus, Log } from "../../protocol/wire/transport.ts";
import { busLimits } from "./limits.ts";
import { fromNats, recordOf } from "./messages.ts";
import { createOutbox } from "./outbox.ts";
import { createPendingRequests, type PendingRequests } from "./requests.ts";
import { orLog, serve, subscribe } from "./serve.ts";
import { commonInboxPrefix } from "./users.ts";

export interface NatsOptions {
  readonly servers: readonly string[];
  readonly user?: string;
  readonly pass?: string;
  /** Prefix of the subjects of answers; a user may subscribe only below its own. */
  readonly inboxPrefix?: string;
  /**
   * That prefix for each request, for a connection that speaks for many hosts at once: its user has to be one
   * that may hear everything.
   */
  readonly inboxPrefixFor?: (subject: string) => string;
  /** Name of the connection in the server's list. */
  readonly name: string;
  readonly log: Log;
  /** True: the connection does not receive its own messages. */
  readonly deaf?: boolean;
  /** How long to try for the first connection; a lost connection is opened again for ever. */
  readonly connectTimeoutMs?: number;
}

export interface NatsBus extends Bus {
  readonly connected: boolean;
  /** The connection, for JetStream; its user has to mind the traps above. */
  readonly connection: NatsConnection;
  /** Registers a listener for every loss and return of the connection. */
  onConnected(listener: (connected: boolean) => void): void;
  /**
   * Sends waiting messages, then ends the connection. Drain servers first: their answers need the connection.
   * Idempotent.
   */
  close(): Promise<void>;
}

/** Connects to NATS. @throws UNAVAILABLE notConnected, UNAUTHENTICATED unauthenticated */
export async function connectNats(options: NatsOptions): Promise<NatsBus> {
  const connection = await dial(options);
  const { log } = options;
  const listeners: ((connected: boolean) => void)[] = [];
  let connected = true;
  const { heard, inboxFor } = inboxesOf(options);
  const pending = createPendingRequests(inboxFor);
  const outbox = createOutbox(connection);
  subscribe(connection, { subject: heard, log, receive: (message) => settle(pending, message) });
  const tell = (now: boolean) => {
    connected = now;
    if (!now) pending.failAll(new StatusError("timeout", "The bus was lost before the answer came."));
    for (const listener of listeners) listener(now);
  };
  void follow(connection, { log, tell, pending });

  return {
    get connected() {
      return connected;
    },
    connection,
    onConnected: (listener) => listeners.push(listener),
    request(subject, message, timeoutMs, signal) {
      if (signal?.aborted === true) return Promise.reject(signal.reason);
      if (!connected || connection.isClosed()) return Promise.reject(notConnected());
      const question = pending.open({ subject, timeoutMs, signal });
      const failed = (thrown: unknown) => question.fail(fromNats(thrown));
      outbox.put({ subject, message, reply: question.replySubject, failed });
      return question.answer;
    },
    publish(subject, message) {
      if (!connected || connection.isClosed()) return;
      const failed = (error: unknown) => log.warn({ subject, error }, "a message could not be published");
      outbox.put({ subject, message, failed });
    },
    serve: (pattern, queue, handler, door) =>
      serve(connection, { pattern, queue, handler, door, log, outbox }),
    async close() {
      if (connection.isClosed()) return;
      outbox.flush();
      if (connected) await orLog(connection.flush(), log, "flushing before the end");
      await connection.close();
      pending.failAll(notConnected());
    },
  };
}

/** Where answers are heard, and where each request wants its own. */
function inboxesOf({ inboxPrefix = commonInboxPrefix, inboxPrefixFor }: NatsOptions) {
  const own = createInbox(inboxPrefix);
  if (inboxPrefixFor === undefined) return { heard: `${own}.*`, inboxFor: () => own };
  const name = own.slice(inboxPrefix.length);
  return { heard: `*${name}.*`, inboxFor: (subject: string) => `${inboxPrefixFor(subject)}${name}` };
}

const notConnected = () => new StatusError("notConnected", "There is no connection to the NATS server.");

/** Tries to connect until it succeeds, the time is over, or the server refuses the credentials. */
async function dial(options: NatsOptions): Promise<NatsConnection> {
  const deadlineMs = performance.now() + (options.connectTimeoutMs ?? wireLimits.timeoutMsDefault);
  for (;;) {
    try {
      return await connect(libraryOptions(options));
    } catch (thrown) {
      if (thrown instanceof NatsError && thrown.code === ErrorCode.AuthorizationViolation) {
        throw new StatusError("unauthenticated", refusalOf(options.user), { cause: thrown });
      }
      if (performance.now() + busLimits.busReconnectMs >= deadlineMs) throw unreachable(options, thrown);
      await new Promise((resolve) => setTimeout(resolve, busLimits.busReconnectMs));
    }
  }
}

const libraryOptions = ({ servers, name, user, pass, deaf }: NatsOptions): ConnectionOptions => ({
  servers: [...servers],
  name,
  ...(user === undefined ? {} : { user }),
  ...(pass === undefined ? {} : { pass }),
  timeout: busLimits.busPingMs,
  maxReconnectAttempts: -1,
  reconnectTimeWait: busLimits.busReconnectMs,
  pingInterval: busLimits.busPingMs,
  maxPingOut: 2,
  ignoreAuthErrorAbort: true,
  noAsyncTraces: true,
  noEcho: deaf === true,
});

/** A server that closes a new connection, having too many, looks to the library like a silent one. */
function unreachable({ servers, user }: NatsOptions, cause: unknown): StatusError {
  const where = servers.join(", ");
  const silent = cause instanceof NatsError && cause.code === ErrorCode.Timeout;
  const message = silent
    ? `The NATS server at ${where} does not let ${user ?? "us"} in: it is silent, or has too many connections already.`
    : `No NATS server answers at ${where}.`;
  return new StatusError("notConnected", message, { cause });
}

const refusalOf = (user: string | undefined): string =>
  user === undefined
    ? "The NATS server takes nobody without user and password."
    : `The NATS server refuses ${user}: the password is wrong, or there is no such user.`;

interface Followed {
  readonly log: Log;
  readonly tell: (connected: boolean) => void;
  readonly pending: PendingRequests;
}

/** Reports the losses and returns of the connection, until its end. */
async function follow(connection: NatsConnection, { log, tell, pending }: Followed): Promise<void> {
  for await (const { type, data, permissionContext } of connection.status()) {
    if (type === "disconnect") {
      log.warn({ server: data }, "the bus is lost; trying again for ever");
      tell(false);
    } else if (type === "reconnect") {
      log.info({ server: data }, "the bus is back");
      tell(true);
    } else if (type === "error" && permissionContext !== undefined) {
      const { operation, subject } = permissionContext;
      log.warn({ operation, subject }, "the NATS server forbids this subject");
      if (operation === "publish") pending.failSubject(subject, forbidden());
    } else if (type === "error") log.warn({ code: data }, "the NATS server reports an error");
  }
  tell(false);
}

const forbidden = () =>
  new StatusError("projectMismatch", "The NATS server forbids this user the subject of the request.");

/** Settles the request of an answer. An empty message with status 503 means that nobody listens. */
function settle(pending: PendingRequests, message: Msg): void {
  const { headers } = message;
  if (headers?.code === 503 && message.data.length === 0) {
    pending.fail(message.subject, new StatusError("noResponders", "Nobody listens to the subject."));
    return;
  }
  pending.answer(message.subject, { body: message.data, headers: recordOf(headers) });
}
