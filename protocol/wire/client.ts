/**
 * The client of a service, derived from its definition: one function per method, typed, validated in both
 * directions. Deadlines travel with the call, interceptors see every call, and there is no list of methods
 * anywhere.
 *
 * Whether an attempt is repeated is the business of an interceptor (retry.ts), not of this file.
 */

import { wireLimits } from "../limits/wire.ts";
import type { Binding } from "./binding.ts";
import { decodeAnswer, type Encoding, encodeBody } from "./codec.ts";
import { errorOf, headerNames } from "./headers.ts";
import type { CallOptions, Client, Method, Service } from "./service.ts";
import { StatusError } from "./status.ts";
import type { Bus, Clock, Ids } from "./transport.ts";
import { nothingLeftOut, openWords, understood, validRequest, withSoundTexts } from "./understood.ts";
import { validatorOf } from "./validate.ts";

/** One call on its way through the interceptors. */
export interface ClientCall {
  readonly noun: string;
  readonly name: string;
  readonly method: Method;
  readonly project: string;
  /** Id of the entity; empty for a method of a collection. */
  readonly id: string;
  readonly request: Readonly<Record<string, unknown>>;
  /** The caller's request id, or one that is minted here; the same in every attempt. */
  readonly requestId: string;
  /** On the client's monotonic clock. An interceptor may shorten it for one attempt. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  readonly traceparent: string | undefined;
  /** Hears what was left out of the answer of a peer. */
  readonly onLeftOut?: CallOptions["onLeftOut"];
  /** Headers of interceptors, which are sent as well; the protocol's own headers are set after these. */
  readonly headers: Readonly<Record<string, string>>;
}

export type Invoke = (call: ClientCall) => Promise<unknown>;
/**
 * Wraps every call: logging, tracing, retries and the like. The first interceptor in the list is the
 * outermost.
 */
export type Interceptor = (next: Invoke) => Invoke;

export interface ClientOptions {
  readonly bus: Bus;
  readonly binding: Binding;
  readonly clock: Clock;
  readonly ids: Ids;
  /** The project in the subject of a method. Not needed for hosts and reports. */
  readonly projectOf?: (method: Method) => string;
  readonly interceptors?: readonly Interceptor[];
  /** JSON is quicker to make and to read, msgpack somewhat shorter. */
  readonly encoding?: Encoding;
}

export function createClient<M extends Record<string, Method>>(
  service: Service<M>,
  options: ClientOptions,
): Client<Service<M>> {
  const invoke = (options.interceptors ?? []).reduceRight<Invoke>(
    (next, interceptor) => interceptor(next),
    (call) => send(call, options, service.peers === true),
  );
  const calls = Object.entries(service.methods).map(([name, method]) => {
    const start = (id: string, request: ClientCall["request"], callOptions: CallOptions = {}) =>
      invoke(begin({ noun: service.noun, name, method, id, request }, callOptions, options));
    const call =
      method.target === "entity"
        ? start
        : (request: ClientCall["request"], callOptions?: CallOptions) => start("", request, callOptions);
    return [name, call] as const;
  });
  return Object.fromEntries(calls) as Client<Service<M>>;
}

type Target = Pick<ClientCall, "noun" | "name" | "method" | "id" | "request">;

function begin(target: Target, callOptions: CallOptions, options: ClientOptions): ClientCall {
  const timeoutMs = callOptions.timeoutMs ?? timeoutOf(target.request);
  return {
    ...target,
    project: options.projectOf?.(target.method) ?? "",
    requestId: callOptions.requestId ?? options.ids.next(),
    deadlineMs: options.clock.monotonicMs() + timeoutMs,
    signal: callOptions.signal,
    traceparent: callOptions.traceparent,
    ...(callOptions.onLeftOut && { onLeftOut: callOptions.onLeftOut }),
    headers: {},
  };
}

/** A request that asks to be kept waiting gets a longer deadline. */
function timeoutOf({ wait, waitMs }: ClientCall["request"]): number {
  if (wait === true) return wireLimits.waitTimeoutMsDefault;
  return wireLimits.timeoutMsDefault + (typeof waitMs === "number" ? waitMs : 0);
}

/** One attempt of a call. @throws StatusError: what the server answered, or what became of the message */
async function send(
  call: ClientCall,
  { bus, binding, clock, encoding }: ClientOptions,
  peers: boolean,
): Promise<unknown> {
  call.signal?.throwIfAborted();
  const request = validRequest(call.method.request, peers ? call.request : withSoundTexts(call.request));
  const timeoutMs = Math.ceil(call.deadlineMs - clock.monotonicMs());
  if (timeoutMs <= 0) {
    throw new StatusError(
      "deadlinePast",
      `The deadline of ${call.noun}.${call.name} passed before it was sent.`,
    );
  }
  const { project, noun, id, name: method } = call;
  const message = {
    body: encodeBody(request, encoding ?? "json"),
    headers: {
      ...call.headers,
      [headerNames.requestId]: call.requestId,
      [headerNames.timeoutMs]: String(timeoutMs),
      ...(call.traceparent === undefined ? {} : { [headerNames.traceparent]: call.traceparent }),
    },
  };
  const subject = binding.subjectOf({ project, noun, id, method });
  const answer = await bus.request(subject, message, timeoutMs + wireLimits.answerGraceMs, call.signal);
  const body = decodeAnswer(answer.body);
  const error = errorOf(answer.headers, body);
  if (error !== undefined) throw error;
  return accept(call, body, peers);
}

/**
 * Checks an answer, which may come from a server of another version: fields that are not known here are
 * dropped between peers, and kept for clients.
 */
function accept(call: ClientCall, body: Readonly<Record<string, unknown>>, peers: boolean): unknown {
  const { answer } = call.method;
  const leftOut = nothingLeftOut();
  const read = peers ? understood(answer)(body, leftOut) : body;
  const validator = validatorOf(peers ? answer : openWords(answer));
  if (leftOut.entries > 0) call.onLeftOut?.(leftOut);
  if (validator.accepts(read)) return read;
  throw new StatusError(
    "internal",
    `The answer to ${call.noun}.${call.name} is not what its schema promises.`,
    {
      detail: validator.explain(read),
    },
  );
}
