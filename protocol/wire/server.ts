/**
 * The server: from messages to typed calls and back. Finds the method, checks the caller and the deadline,
 * decodes, validates, calls the handler, validates and encodes its answer. Every message that the door lets
 * in (admission.ts) is answered, at its deadline at the latest.
 *
 * A bus handler must never throw: that would freeze the connection. What a handler throws goes to the log,
 * once; the caller hears only what a StatusError makes public.
 */

import { wireLimits } from "../limits/wire.ts";
import { createDoor, strayName } from "./admission.ts";
import type { Address, Binding } from "./binding.ts";
import { decodeRequest, type Encoding, encodeBody, encodingOf } from "./codec.ts";
import { callUntilDeadline, Ending } from "./deadline.ts";
import { announce, type Discoverable, type EndpointStats } from "./discovery.ts";
import { errorMessage, readRequestHeaders } from "./headers.ts";
import { Quiet } from "./quiet.ts";
import { sayable } from "./sayable.ts";
import type { CallContext, Handlers, Method, Service } from "./service.ts";
import { commandShares, hostShares, type Place, reportShares, Shares } from "./shares.ts";
import { sparing } from "./sparing-log.ts";
import { StatusError } from "./status.ts";
import { adminProject, systemProject } from "./subjects.ts";
import type { Bus, BusMessage, BusSubscription, Clock, Ids, Log } from "./transport.ts";
import { type LeftOut, nothingLeftOut, type Reading, understood, validRequest } from "./understood.ts";
import { type Validator, validatorOf } from "./validate.ts";

/** A service with its handlers, without their types. Made by {@link implement}. */
export interface Implementation {
  readonly service: Service;
  readonly handlers: Readonly<Record<string, (request: never, context: CallContext) => Promise<unknown>>>;
}

/** Binds handlers to a service; a missing handler, or one of another type, does not compile. */
export function implement<M extends Record<string, Method>>(
  service: Service<M>,
  handlers: Handlers<Service<M>>,
): Implementation {
  return { service, handlers };
}

export interface ServerOptions {
  readonly bus: Bus;
  readonly binding: Binding;
  readonly services: readonly Implementation[];
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Whether the server answers `$SRV.PING`, `INFO` and `STATS`; absent: true. */
  readonly discoverable?: boolean;
}

export interface Server {
  /** Number of requests that are not answered yet. */
  readonly inWork: number;
  /**
   * Takes no further request and resolves when every accepted one is answered: at the latest after
   * wireLimits.drainGraceMs, with UNAVAILABLE shuttingDown (a long poll would last longer than that).
   */
  drain(): Promise<void>;
}

/** One method, ready to be called. */
interface Endpoint {
  readonly name: string;
  readonly method: Method;
  /**
   * Reads a peer's request as this version knows it. Undefined: the request is a client's, and taken as it
   * is.
   */
  readonly reading: Reading | undefined;
  readonly answer: Validator<unknown>;
  readonly call: (request: unknown, context: CallContext) => Promise<unknown>;
  readonly stats: EndpointStats;
}

/** Starts listening. All validators are compiled here, none during a request. */
export function createServer(given: ServerOptions): Server {
  const { bus, binding, clock } = given;
  const log = sparing(given.log, clock);
  const options = { ...given, log };
  const endpoints = endpointsOf(options.services);
  const shares = new Shares(sharesOf[binding.kind], clock);
  const door = createDoor({ binding, room: shares, clock, log: given.log });
  const ending = new Ending(shares);
  const quiet = new Quiet(clock);
  const answer = async (subject: string, message: BusMessage): Promise<BusMessage | undefined> => {
    try {
      return await handle({
        options,
        endpoints,
        shares,
        ending,
        quiet,
        plainLog: given.log,
        subject,
        message,
      });
    } catch (thrown) {
      log.error({ error: thrown, subject: subject.slice(0, 256) }, "a request could not even be refused");
      return undefined;
    }
  };
  const subscriptions: BusSubscription[] = [bus.serve(binding.pattern, binding.queue, answer, door)];
  if (options.discoverable !== false) {
    subscriptions.push(...announce(options, discoverables(options.services, binding, endpoints)));
  }
  return {
    get inWork() {
      return shares.underWay;
    },
    async drain() {
      const timer = clock.after(wireLimits.drainGraceMs, () => ending.cutShort());
      await Promise.all(subscriptions.map((subscription) => subscription.drain()));
      timer.cancel();
      door.close();
    },
  };
}

const sharesOf = { command: commandShares, report: reportShares, host: hostShares };

function endpointsOf(services: readonly Implementation[]): ReadonlyMap<string, Endpoint> {
  const endpoints = new Map<string, Endpoint>();
  for (const { service, handlers } of services) {
    for (const [name, method] of Object.entries(service.methods)) {
      const handler = handlers[name];
      if (handler === undefined) continue;
      endpoints.set(`${service.noun}.${name}`, {
        name: `${service.noun}.${name}`,
        method,
        reading: service.peers === true ? understood(method.request) : undefined,
        answer: validatorOf(method.answer),
        // The request was validated in requestOf, so it has the type that the handler takes.
        call: async (request, context) => handler(request as never, context),
        stats: { requests: 0, errors: 0, lastError: "", processingMs: 0 },
      });
    }
  }
  return endpoints;
}

function discoverables(
  services: readonly Implementation[],
  binding: Binding,
  endpoints: ReadonlyMap<string, Endpoint>,
): readonly Discoverable[] {
  return services.map(({ service }) => ({
    service,
    endpoints: Object.entries(service.methods).flatMap(([name, method]) => {
      const endpoint = endpoints.get(`${service.noun}.${name}`);
      const subject = binding.patternOf(service, name, method);
      return endpoint === undefined
        ? []
        : [{ name, method, subject, queue: binding.queue, stats: endpoint.stats }];
    }),
  }));
}

/** Number of entries that the log names when some could not be understood. */
const leftOutNamedMax = 3;

interface Incoming {
  readonly options: ServerOptions;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly shares: Shares;
  readonly ending: Ending;
  /** For lines of the log that a peer may cause with every message. */
  readonly quiet: Quiet;
  /** For what `quiet` lets pass: one host's lines must not count on another's. */
  readonly plainLog: Log;
  readonly subject: string;
  readonly message: BusMessage;
}

async function handle(incoming: Incoming): Promise<BusMessage> {
  const { options, subject, message, shares } = incoming;
  const encoding = encodingOf(message.body);
  const startedAtMs = options.clock.monotonicMs();
  let endpoint: Endpoint | undefined;
  let requestId: string | undefined;
  let place: Place | undefined;
  try {
    const entered = shares.enter(options.binding.shareOf(subject) ?? strayName, message.body.length);
    place = entered instanceof Promise ? await entered : entered;
    const address = options.binding.addressOf(subject);
    if (address === undefined) throw malformedSubject(options.binding);
    endpoint = endpointAt(incoming.endpoints, address, options.binding);
    endpoint.stats.requests += 1;
    const headers = readRequestHeaders(message.headers);
    requestId = headers.requestId ?? options.ids.next();
    const deadlineMs = startedAtMs + headers.timeoutMs;
    const leftOut = nothingLeftOut();
    const request = requestOf(incoming, endpoint, leftOut);
    const told = leftOut.entries === 0 ? {} : { leftOut };
    const context = { ...address, requestId, traceparent: headers.traceparent, deadlineMs, ...told };
    const answer = await answerOf(incoming, { endpoint, request, place, context });
    const tookMs = options.clock.monotonicMs() - startedAtMs;
    endpoint.stats.processingMs += tookMs;
    const body = encodeAnswer(sound(endpoint, answer, options.log), encoding);
    noteDone(incoming, endpoint, { context, answer, tookMs });
    return { body, headers: {} };
  } catch (thrown) {
    const error = StatusError.from(thrown, `The request ${requestId ?? ""}`.trim());
    note(incoming, { endpoint, requestId, thrown, error });
    return errorMessage(error, encoding);
  } finally {
    place?.leave();
  }
}

interface Called {
  readonly endpoint: Endpoint;
  readonly request: unknown;
  readonly place: Place;
  readonly context: Omit<CallContext, "signal" | "onlyWaits">;
}

/**
 * The handler's answer. A client's request that will wait takes a place among those that do, before all else.
 */
async function answerOf(incoming: Incoming, called: Called): Promise<unknown> {
  const { options, shares, ending } = incoming;
  const { endpoint, place, context, request } = called;
  const waits = options.binding.kind === "command" && willWait(request);
  const endWait = waits ? shares.wait(context.project) : undefined;
  const onlyWaits = () => {
    if (endWait !== undefined) place.rest();
  };
  try {
    const call = { name: endpoint.name, context: { ...context, onlyWaits } };
    const handle = (all: CallContext) => endpoint.call(request, all);
    return await callUntilDeadline({ ...options, ending }, { ...call, handle });
  } finally {
    endWait?.();
  }
}

/** Long polls and the end of an operation: every method has the same two fields for them. */
function willWait(request: unknown): boolean {
  const { wait, waitMs } = request as { readonly wait?: unknown; readonly waitMs?: unknown };
  return wait === true || (typeof waitMs === "number" && waitMs > 0);
}

const mayBeOlder =
  " Nothing was done. If the name is right, this server is older than its client, and another may know it.";

/** The decoded and validated request. @throws INVALID_ARGUMENT */
function requestOf({ options, message }: Incoming, { reading, method }: Endpoint, leftOut: LeftOut): unknown {
  const body = decodeRequest(message.body, options.binding.bodyBytesMax);
  if (reading === undefined) return validRequest(method.request, body, mayBeOlder);
  return validRequest(method.request, reading(body, leftOut));
}

function malformedSubject(binding: Binding): StatusError {
  const form =
    binding.kind === "command"
      ? "novact.v1.<cell>.cmd.<project>.<noun>[.<id>].<method>"
      : `novact.v1.<cell>.${binding.kind}.<host id>.<method>`;
  return new StatusError(
    "malformedSubject",
    `The subject is not of the form ${form} with tokens of letters, digits, _ and -.`,
  );
}

/**
 * The endpoint at an address.
 * @throws UNIMPLEMENTED unknownMethod, INVALID_ARGUMENT malformedSubject, PERMISSION_DENIED adminOnly,
 * projectMismatch
 */
function endpointAt(endpoints: ReadonlyMap<string, Endpoint>, address: Address, binding: Binding): Endpoint {
  const name = `${address.noun}.${address.method}`;
  const endpoint = endpoints.get(name);
  if (endpoint === undefined) throw new StatusError("unknownMethod", `There is no method ${name}.`);
  if (binding.kind !== "command") return endpoint;
  const { target, audience } = endpoint.method;
  if (target === "entity" && address.id === "") {
    throw new StatusError("malformedSubject", `The method ${name} needs an id before the method's name.`);
  }
  if (target === "collection" && address.id !== "") {
    throw new StatusError("malformedSubject", `The method ${name} takes no id in its subject.`);
  }
  if (address.project === systemProject) {
    throw new StatusError("projectMismatch", `The project ${systemProject} takes no commands.`);
  }
  if (audience === "admin" && address.project !== adminProject) {
    throw new StatusError("adminOnly", `The method ${name} is only in the project ${adminProject}.`);
  }
  return endpoint;
}

/**
 * The handler's answer when it fits its schema; for a read, without the entries that break the schema.
 * @throws INTERNAL
 */
function sound(endpoint: Endpoint, answer: unknown, log: Log): unknown {
  if (endpoint.answer.accepts(answer)) return answer;
  const { method, name, reading } = endpoint;
  const some = method.mutates || reading !== undefined ? undefined : sayable(method.answer, answer);
  if (some === undefined) {
    throw new StatusError("internal", `The answer of ${name} is not what its schema promises.`, {
      detail: endpoint.answer.explain(answer),
    });
  }
  const [entries, leftOut] = [some.leftOut.length, some.leftOut.slice(0, leftOutNamedMax)];
  endpoint.stats.errors += 1;
  log.error({ method: name, entries, leftOut }, "entries of an answer were left out: they break its schema");
  return some.answer;
}

function encodeAnswer(answer: unknown, encoding: Encoding): Uint8Array {
  const body = encodeBody(answer, encoding);
  if (body.length <= wireLimits.answerBytesMax) return body;
  throw new StatusError(
    "answerTooLarge",
    `The answer has ${body.length} bytes; at most ${wireLimits.answerBytesMax} go over the bus.`,
  );
}

interface DoneCommand {
  readonly context: Pick<CallContext, "project" | "id" | "requestId">;
  readonly answer: unknown;
  readonly tookMs: number;
}

/**
 * A line about each command of a client that changed something, with what it was about: the thread by which
 * what other processes did for it is found.
 */
function noteDone({ options }: Incoming, { name, method }: Endpoint, done: DoneCommand): void {
  if (!method.mutates || options.binding.kind !== "command") return;
  const { answer, tookMs, context } = done;
  const { project, id, requestId } = context;
  const about = answer as { readonly [part in "instance" | "operation"]?: { readonly id?: unknown } };
  const found = { instanceId: about.instance?.id, operationId: about.operation?.id };
  const fields = { requestId, method: name, project, ...(id === "" ? {} : { id }), ...found };
  options.log.info({ ...fields, ms: Math.round(tookMs) }, "a command was carried out");
}

interface Refused {
  readonly endpoint: Endpoint | undefined;
  readonly requestId: string | undefined;
  readonly thrown: unknown;
  readonly error: StatusError;
}

function note(incoming: Incoming, { endpoint, requestId, thrown, error }: Refused): void {
  const { options, quiet, plainLog, subject } = incoming;
  if (endpoint !== undefined) {
    endpoint.stats.errors += 1;
    endpoint.stats.lastError = `${error.code} ${error.reason}`;
  }
  const fields = { subject: subject.slice(0, 256), requestId, code: error.code, reason: error.reason };
  if (error.code === "INTERNAL") {
    options.log.error(
      { ...fields, detail: error.detail, error: thrown },
      "a request failed by our own fault",
    );
  } else if (endpoint?.reading !== undefined && error.code === "INVALID_ARGUMENT") {
    const untold = quiet.due(`${subject} ${error.reason}`);
    if (untold === undefined) return;
    plainLog.warn({ ...fields, message: error.message, untold }, "a peer asks what is not understood here");
  } else {
    options.log.debug({ ...fields, message: error.message }, "a request was refused");
  }
}
