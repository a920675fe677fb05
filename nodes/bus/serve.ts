/**
 * Subscriptions on NATS, with their traps: a callback that throws would freeze the connection, drain does not
 * wait for handlers, and the size of headers must be checked before they are parsed.
 *
 * The NATS server checks the subjects that a user publishes to, but not the reply subject of a request. An
 * answer is sent with our permissions, so it must go to the asker's inbox only (I12; inboxes.ts). A request
 * whose answer can go nowhere is not executed, whether it names no place for it or one that is not the
 * asker's: nobody would hear what became of it.
 */
import { ErrorCode, type Msg, type NatsConnection, NatsError, type Subscription } from "#nats";
import { wireLimits } from "../../protocol/limits/wire.ts";
import { errorMessage, headerNames } from "../../protocol/wire/headers.ts";
import { sparing } from "../../protocol/wire/sparing-log.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { BusDoor, BusHandler, BusMessage, BusSubscription, Log } from "../../protocol/wire/transport.ts";
import { mayBeAnsweredAt } from "./inboxes.ts";
import { doubledIn, recordOf } from "./messages.ts";
import type { Outbox } from "./outbox.ts";

interface Served {
  readonly pattern: string;
  readonly queue: string | undefined;
  readonly handler: BusHandler;
  readonly door?: BusDoor | undefined;
  readonly log: Log;
  readonly outbox: Outbox;
}

/** The clock of the log's periods; a browser has it as well. */
const clock = { monotonicMs: () => performance.now() };

export function serve(connection: NatsConnection, given: Served): BusSubscription {
  const log = sparing(given.log, clock);
  const served = { ...given, log };
  const { pattern, queue, outbox } = served;
  const running = new Set<Promise<void>>();
  const receive = (message: Msg): void => {
    if (!isLetIn(message, served) || wantsToSpeak(message, served) || isUnasked(message, served)) return;
    const { subject, reply } = message;
    const headers = headersOf(message);
    const asked = headers instanceof StatusError ? headers : { body: message.data, headers };
    // Nothing else of the message is kept, which is a view of all the bytes that came with it.
    const work = answer({ subject, reply }, asked, served);
    running.add(work);
    void work.finally(() => running.delete(work));
  };
  const subscription = subscribe(connection, { subject: pattern, queue, log, receive });
  return {
    async drain() {
      // The server may have chosen this subscription for a message and know of no other yet. It says that
      // nobody listens when the subscription ends before it delivers, also if another began meanwhile.
      if (!connection.isClosed()) await orLog(connection.flush(), log, `waiting before ${pattern} ends`);
      if (!subscription.isClosed()) await orLog(subscription.drain(), log, `draining ${pattern}`);
      await Promise.all(running);
      outbox.flush();
      if (!connection.isClosed()) await orLog(connection.flush(), log, `flushing ${pattern}`);
    },
  };
}

/**
 * Asks the door, before anything else of the message is looked at: most messages of a flood end here. Whoever
 * is refused is answered at once.
 */
function isLetIn(message: Msg, { door, log, outbox }: Served): boolean {
  const admitted = door?.admit(message.subject, payloadBytes(message)) ?? "take";
  if (admitted === "refuse" && door !== undefined && !wantsOurVoice(message))
    respond(message, door.refusal(message.data), { log, outbox });
  return admitted === "take";
}

/** Where a request came in, and where its answer goes. */
interface Asker {
  readonly subject: string;
  readonly reply?: string | undefined;
}

/** Calls the handler and sends its answer. Never rejects. */
function answer(asker: Asker, asked: BusMessage | StatusError, served: Served): Promise<void> {
  const { handler, log, outbox } = served;
  const failed = (error: unknown) =>
    log.warn({ subject: asker.subject.slice(0, 256), error }, "an answer could not be sent");
  const send = (found: Awaited<ReturnType<BusHandler>>) => {
    for (const one of Array.isArray(found) ? found : [found]) respond(asker, one, { log, outbox });
  };
  return begun(asker.subject, asked, handler).then(send).catch(failed);
}

/** No function of ours waits with the request in its hand: whoever reads it lets go of it. */
async function begun(subject: string, asked: BusMessage | StatusError, handler: BusHandler) {
  return asked instanceof StatusError ? errorMessage(asked, "json") : handler(subject, asked);
}

/** What comes through a door is a request; one that nobody waits for is not executed. */
const isUnasked = ({ reply = "" }: Msg, { door }: Served): boolean => door !== undefined && reply === "";

function wantsToSpeak(message: Msg, { log }: Served): boolean {
  if (!wantsOurVoice(message)) return false;
  log.warn({ subject: message.subject.slice(0, 256) }, "the answer was wanted outside the asker's inbox");
  return true;
}

/**
 * True when the reply subject is not the asker's inbox: the sender wants us to publish a message that it may
 * not publish itself, or that another asker is waiting for. The request is neither executed nor answered.
 */
function wantsOurVoice({ subject, reply }: Asker): boolean {
  return reply !== undefined && reply !== "" && !mayBeAnsweredAt(subject, reply);
}

/** Those that a request may have and that change what is done. A traceparent that is unclear is ignored. */
const ourHeaders = [headerNames.requestId, headerNames.timeoutMs];

/** The headers, or the error when there are too many, one of ours is unclear, or none can be parsed. */
function headersOf(message: Msg): BusMessage["headers"] | StatusError {
  if (headerBytes(message) > wireLimits.headerBytesMax) {
    return new StatusError(
      "malformedHeader",
      `The headers are larger than ${wireLimits.headerBytesMax} bytes.`,
    );
  }
  try {
    const doubled = doubledIn(message.headers, ourHeaders);
    if (doubled === undefined) return recordOf(message.headers);
    return new StatusError("malformedHeader", `${doubled} is there twice, with different values.`);
  } catch (cause) {
    return new StatusError("malformedHeader", "A header's name holds a character that it may not hold.", {
      cause,
    });
  }
}

function respond(
  { reply = "", subject }: Asker,
  message: BusMessage | undefined,
  to: Pick<Served, "log" | "outbox">,
): void {
  if (reply === "" || message === undefined) return;
  const failed = (thrown: unknown) => {
    const tooLarge = thrown instanceof NatsError && thrown.code === ErrorCode.MaxPayloadExceeded;
    if (tooLarge)
      to.outbox.put({ subject: reply, message: errorMessage(answerTooLarge(), "json"), failed: lost });
    else lost(thrown);
  };
  const lost = (error: unknown) =>
    to.log.warn({ subject: subject.slice(0, 256), error }, "an answer could not be sent");
  to.outbox.put({ subject: reply, message, failed });
}

const answerTooLarge = () =>
  new StatusError("answerTooLarge", "The NATS server does not let so large an answer pass.");

/**
 * Size of the headers in bytes, without parsing them: the parser's cost grows with the square of their
 * number.
 */
const headerBytes = (message: Msg): number => payloadBytes(message) - message.data.length;

/** Size of body and headers in bytes. The library's types leave `size` out. */
function payloadBytes(message: Msg): number {
  if (!("size" in message) || typeof message.size !== "function") return message.data.length;
  const bytes: unknown = message.size();
  const others = message.subject.length + (message.reply?.length ?? 0);
  return typeof bytes === "number" ? bytes - others : message.data.length;
}

interface Subscribed {
  readonly subject: string;
  readonly queue?: string | undefined;
  readonly log: Log;
  readonly receive: (message: Msg) => void;
}

/** Subscribes; an error that `receive` throws never reaches the library. */
export function subscribe(
  connection: NatsConnection,
  { subject, queue, log, receive }: Subscribed,
): Subscription {
  return connection.subscribe(subject, {
    ...(queue === undefined ? {} : { queue }),
    callback: (error, message) => {
      try {
        if (error === null) receive(message);
        else log.error({ subject, error }, "the NATS server refuses a subscription");
      } catch (thrown) {
        log.error({ subject, error: thrown }, "a message could not be taken");
      }
    },
  });
}

/** Waits for work that the loss of the bus may cut short without harm; an error goes to the log. */
export async function orLog(work: Promise<unknown>, log: Log, attempted: string): Promise<void> {
  try {
    await work;
  } catch (thrown) {
    log.debug({ error: thrown, attempted }, "the bus was lost meanwhile");
  }
}
