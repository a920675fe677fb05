/**
 * What goes out on the bus: messages of one round of the event loop leave together, in their order. Every
 * write to a socket costs as much as all the rest of a message, and whatever is answered at once was also
 * asked at once.
 *
 * Nothing waits here for longer than the rest of the round; `flush` sends at once, for whoever is about to
 * close.
 */
import type { NatsConnection, PublishOptions } from "nats";
import type { BusMessage } from "../../protocol/wire/transport.ts";
import { natsHeaders } from "./messages.ts";

export interface Outgoing {
  readonly subject: string;
  readonly message: BusMessage;
  readonly reply?: string | undefined;
  /** It could not be sent, and never will be. */
  readonly failed: (thrown: unknown) => void;
}

export interface Outbox {
  put(outgoing: Outgoing): void;
  flush(): void;
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
      if (waiting.push(outgoing) === 1) setImmediate(flush);
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
