/**
 * Outgoing messages: those of one round of the event loop are sent together, in their order. A write to a
 * socket costs as much as all other work on a message, and requests that arrive together are answered
 * together.
 *
 * No message waits for longer than the rest of the round; `flush` sends at once, for a caller that is about
 * to close.
 */
import type { NatsConnection, PublishOptions } from "#nats";
import type { BusMessage } from "../../protocol/wire/transport.ts";
import { natsHeaders } from "./messages.ts";

export interface Outgoing {
  readonly subject: string;
  readonly message: BusMessage;
  readonly reply?: string | undefined;
  /** Called when the message could not be sent, and never will be. */
  readonly failed: (thrown: unknown) => void;
}

export interface Outbox {
  put(outgoing: Outgoing): void;
  flush(): void;
}

/** Browsers have no setImmediate, and slow their timers down in pages that nobody looks at. */
function soon(run: () => void): void {
  if (typeof setImmediate === "function") setImmediate(run);
  else queueMicrotask(run);
}

export function createOutbox(connection: NatsConnection): Outbox {
  let waiting: Outgoing[] = [];
  const flush = () => {
    const all = waiting;
    waiting = [];
    for (const outgoing of all) send(connection, outgoing);
  };
  return {
    put(outgoing) {
      if (waiting.push(outgoing) === 1) soon(flush);
    },
    flush,
  };
}

function send(connection: NatsConnection, { subject, message, reply, failed }: Outgoing): void {
  try {
    const options: PublishOptions = {};
    if (reply !== undefined) options.reply = reply;
    const headers = natsHeaders(message.headers);
    if (headers !== undefined) options.headers = headers;
    connection.publish(subject, message.body, options);
  } catch (thrown) {
    failed(thrown);
  }
}
