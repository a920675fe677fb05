/**
 * The event stream on JetStream: a copy of the events in PostgreSQL, filled again whenever it is lost.
 *
 * Any number of controllers publish at the same time, without a leader: each event names the event that must
 * be the stream's last one before it, and JetStream refuses it otherwise. JetStream repeats each stored event
 * on the event's own subject, so listeners hear every event once and in order, however often it was offered.
 *
 * Source: JetStream's wire API as of nats-server 2.9 (stream info, create, message get, publish headers,
 * error codes).
 */

import type { EventStream } from "../../actors/ports/event-stream.ts";
import type { Event } from "../../protocol/event.ts";
import { wireLimits } from "../../protocol/limits/wire.ts";
import { headerNames } from "../../protocol/wire/headers.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import {
  allEventsPattern,
  eventLogPattern,
  eventLogSubject,
  eventStreamName,
} from "../../protocol/wire/subjects.ts";
import type { Bus, BusMessage } from "../../protocol/wire/transport.ts";
import { eventLimits } from "./limits.ts";

export interface EventStreamOptions {
  readonly bus: Bus;
  readonly cell: string;
  /** Copies of the stream in a NATS cluster. */
  readonly replicas?: number;
}

const messageId = "Nats-Msg-Id";
const expectedLastId = "Nats-Expected-Last-Msg-Id";
const expectedLastSequence = "Nats-Expected-Last-Sequence";

/** Error numbers of JetStream. */
const errorCodes = {
  streamNotFound: 10_059,
  noMessage: 10_037,
  wrongLastId: 10_070,
  wrongLastSequence: 10_071,
};
const nanoseconds = (ms: number): number => ms * 1_000_000;

/** The end of the stream: JetStream's own sequence number, and the number of the last event (0: none). */
interface End {
  readonly streamSequence: number;
  readonly sequence: number;
}

export function createEventStream(options: EventStreamOptions): EventStream {
  const { cell } = options;
  const api = createApi(options.bus);
  let end: End | undefined;

  const readEnd = async (): Promise<End> => {
    const name = eventStreamName(cell);
    const info = await api<StreamInfo>(`STREAM.INFO.${name}`, undefined, errorCodes.streamNotFound);
    const { state } = info ?? (await api<StreamInfo>(`STREAM.CREATE.${name}`, streamConfig(options))) ?? {};
    const streamSequence = state?.last_seq ?? 0;
    if ((state?.messages ?? 0) === 0) return { streamSequence, sequence: 0 };
    // Read by its number: JetStream finds the last message of a pattern only by looking through all subjects.
    const get = (which: object) => api<StoredMessage>(`STREAM.MSG.GET.${name}`, which, errorCodes.noMessage);
    const last = (await get({ seq: streamSequence })) ?? (await get({ last_by_subj: eventLogPattern(cell) }));
    return { streamSequence, sequence: sequenceOf(last?.message.hdrs) };
  };

  return {
    async lastSequence() {
      end = undefined;
      end = await readEnd();
      return end.sequence;
    },
    async publish(events) {
      const from = end ?? (await readEnd());
      end = undefined;
      end = await publishAll(options, from, events);
      return end?.sequence;
    },
  };
}

/**
 * Offers events in order, some at a time; answers the new end, or undefined when another controller was
 * faster. Each event is bound to its place in the stream and to the event before it: controllers that offer
 * the same events at the same time offer them for the same places, and one with an older view is refused. So
 * the last event of a batch is in its place only if all before it are, and its acknowledgement covers them
 * all.
 */
async function publishAll(
  { bus, cell }: EventStreamOptions,
  from: End,
  events: readonly Event[],
): Promise<End | undefined> {
  const news = events.filter(({ sequence }) => sequence > from.sequence);
  let end: End = from;
  for (let at = 0; at < news.length; at += eventLimits.eventPublishWindow) {
    const batch = news.slice(at, at + eventLimits.eventPublishWindow);
    const base = end.streamSequence;
    const offers = batch.map((event, index) => offerOf(event, base + index, batch[index - 1]));
    const last = offers.pop();
    if (last === undefined) break;
    for (const { event, message } of offers) bus.publish(eventLogSubject(cell, event), message);
    const place = await offerLast(bus, eventLogSubject(cell, last.event), last);
    // Another place: JetStream still remembers the event's number from before a purge, and stored nothing.
    if (place !== base + batch.length) return undefined;
    end = { streamSequence: place, sequence: last.event.sequence };
  }
  return end;
}

interface Offer {
  readonly event: Event;
  readonly message: BusMessage;
}

/** `place`: JetStream's sequence number of the message that must be the last one. */
function offerOf(event: Event, place: number, before: Event | undefined): Offer {
  const headers = {
    [messageId]: String(event.sequence),
    [headerNames.sequence]: String(event.sequence),
    [expectedLastSequence]: String(place),
    ...(before === undefined ? {} : { [expectedLastId]: String(before.sequence) }),
  };
  return { event, message: { body: Buffer.from(JSON.stringify(event)), headers } };
}

/**
 * Offers one event; answers JetStream's sequence number of it, also when it was stored already; undefined
 * when another event must come first.
 */
async function offerLast(bus: Bus, subject: string, { event, message }: Offer): Promise<number | undefined> {
  const answer = read<Acknowledgement>(await bus.request(subject, message, wireLimits.hostRequestTimeoutMs));
  const code = answer.error?.err_code;
  if (code === errorCodes.wrongLastId || code === errorCodes.wrongLastSequence) return undefined;
  if (answer.error !== undefined) throw refused(answer.error, `taking event ${event.sequence}`);
  return answer.seq ?? 0;
}

function streamConfig({ cell, replicas = 1 }: EventStreamOptions): object {
  return {
    name: eventStreamName(cell),
    description: "Events of novact; a copy, refilled from PostgreSQL when it is lost.",
    subjects: [eventLogPattern(cell)],
    republish: { src: eventLogPattern(cell), dest: allEventsPattern(cell) },
    retention: "limits",
    discard: "old",
    storage: "file",
    num_replicas: replicas,
    max_bytes: eventLimits.eventStreamBytesMax,
    max_msgs: eventLimits.eventStreamMessagesMax,
    max_age: nanoseconds(eventLimits.eventStreamKeptMs),
    duplicate_window: nanoseconds(eventLimits.eventDuplicateWindowMs),
    deny_delete: false,
  };
}

interface ApiError {
  readonly err_code: number;
  readonly description: string;
}
interface StreamInfo {
  readonly state: { readonly messages: number; readonly last_seq: number };
}
interface StoredMessage {
  readonly message: { readonly hdrs?: string };
}
interface Acknowledgement {
  readonly error?: ApiError;
  readonly seq?: number;
}

/** Calls JetStream's API; answers undefined for the one error that is expected. */
function createApi(bus: Bus) {
  return async <A>(method: string, body?: object, expected?: number): Promise<A | undefined> => {
    const message = {
      body: body === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(body)),
      headers: {},
    };
    const answer = read<A & { error?: ApiError }>(
      await bus.request(`$JS.API.${method}`, message, wireLimits.hostRequestTimeoutMs),
    );
    if (answer.error === undefined) return answer;
    if (answer.error.err_code === expected) return undefined;
    throw refused(answer.error, method);
  };
}

/** JetStream is part of our own NATS server: its answers are not validated. */
function read<A>({ body }: { readonly body: Uint8Array }): A {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8")) as A;
  } catch (cause) {
    throw new StatusError("streamUnavailable", "JetStream's answer is not JSON.", { cause });
  }
}

const refused = ({ err_code, description }: ApiError, attempted: string): StatusError =>
  new StatusError("streamUnavailable", `JetStream refuses ${attempted} (error ${err_code}).`, {
    detail: description,
  });

/** The event's number in the headers of a stored message, which come in base64 as they were on the wire. */
function sequenceOf(headers: string | undefined): number {
  const text = Buffer.from(headers ?? "", "base64").toString("utf8");
  const found = new RegExp(`^${headerNames.sequence}: *(\\d+)`, "im").exec(text);
  return found === null ? 0 : Number(found[1]);
}
