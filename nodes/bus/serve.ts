/**
 * Listening on NATS, with what is treacherous about it: a callback that throws would freeze the connection,
 * drain does not wait for handlers, and headers must be weighed before they are parsed.
 *
 * The NATS server checks what a user publishes, but not where that user wants the answer: it goes out with
 * our permissions, so it must never go anywhere but to an inbox (I12).
 */
import { ErrorCode, type Msg, type NatsConnection, NatsError, type Subscription } from "nats";
import { limits } from "../../protocol/limits/limits.ts";
import { errorMessage } from "../../protocol/wire/headers.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { BusHandler, BusMessage, BusSubscription, Log } from "../../protocol/wire/transport.ts";
import { recordOf } from "./messages.ts";
import type { Outbox } from "./outbox.ts";

/** The first token of every inbox; nothing that anybody listens to or stores begins with it. */
const inbox = /^_INBOX[^.]*\./;

interface Served {
  readonly pattern: string;
  readonly queue: string | undefined;
  readonly handler: BusHandler;
  readonly log: Log;
  readonly outbox: Outbox;
}

export function serve(connection: NatsConnection, served: Served): BusSubscription {
  const { pattern, queue, log, outbox } = served;
  const running = new Set<Promise<void>>();
  const receive = (message: Msg): void => {
    const work = answer(message, served);
    running.add(work);
    void work.finally(() => running.delete(work));
  };
  const subscription = subscribe(connection, { subject: pattern, queue, log, receive });
  return {
    async drain() {
      if (!subscription.isClosed()) await orLog(subscription.drain(), log, `draining ${pattern}`);
      await Promise.all(running);
      outbox.flush();
      if (!connection.isClosed()) await orLog(connection.flush(), log, `flushing ${pattern}`);
    },
  };
}

/** Never rejects. */
async function answer(message: Msg, { handler, log, outbox }: Served): Promise<void> {
  try {
    if (wantsOurVoice(message)) {
      log.warn({ subject: message.subject.slice(0, 256) }, "the answer was wanted outside an inbox");
      return;
    }
    const headers = headersOf(message);
    const found =
      headers instanceof StatusError
        ? errorMessage(headers, "json")
        : await handler(message.subject, { body: message.data, headers });
    if (found !== undefined) respond(message, found, { log, outbox });
  } catch (thrown) {
    log.warn({ subject: message.subject.slice(0, 256), error: thrown }, "an answer could not be sent");
  }
}

/** Whoever asks so wants something said that it may not say itself: nothing is done, and nobody answered. */
function wantsOurVoice({ reply }: Msg): boolean {
  return reply !== undefined && reply !== "" && !inbox.test(reply);
}

/** Or why they cannot be taken: too many, or nothing that the library can read. */
function headersOf(message: Msg): BusMessage["headers"] | StatusError {
  if (headerBytes(message) > limits.headerBytesMax) {
    return new StatusError("malformedHeader", `The headers are larger than ${limits.headerBytesMax} bytes.`);
  }
  try {
    return recordOf(message.headers);
  } catch (cause) {
    return new StatusError("malformedHeader", "A header's name holds a character that it may not hold.", {
      cause,
    });
  }
}

function respond(
  { reply = "", subject }: Msg,
  message: BusMessage,
  to: Pick<Served, "log" | "outbox">,
): void {
  if (reply === "") return;
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
 * Without parsing them: the parser's cost grows with the square of their number. The types leave `size` out.
 */
function headerBytes(message: Msg): number {
  if (!("size" in message) || typeof message.size !== "function") return 0;
  const bytes: unknown = message.size();
  const others = message.subject.length + (message.reply?.length ?? 0) + message.data.length;
  return typeof bytes === "number" ? bytes - others : 0;
}

interface Subscribed {
  readonly subject: string;
  readonly queue?: string | undefined;
  readonly log: Log;
  readonly receive: (message: Msg) => void;
}

/** Nothing that `receive` throws reaches the library. */
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

/** For work that the loss of the bus may cut short without harm. */
export async function orLog(work: Promise<unknown>, log: Log, attempted: string): Promise<void> {
  try {
    await work;
  } catch (thrown) {
    log.debug({ error: thrown, attempted }, "the bus was lost meanwhile");
  }
}
