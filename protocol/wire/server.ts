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
import type { Binding } from "./binding.ts";
import { decodeRequest, type Encoding, encodeBody, encodingOf } from "./codec.ts";
import { CommandBudgets } from "./command-budget.ts";
import { callUntilDeadline, Ending } from "./deadline.ts";
import { announce } from "./discovery.ts";
import {
  discoverables,
  type Endpoint,
  endpointAt,
  endpointsOf,
  type Implementation,
  malformedSubject,
} from "./endpoints.ts";
import { errorMessage, type RequestHeaders, readRequestHeaders } from "./headers.ts";
import { Hearing } from "./hearing.ts";
import { Quiet } from "./quiet.ts";
import { sayable } from "./sayable.ts";
import type { CallContext } from "./service.ts";
import { commandShares, hostShares, type Place, reportShares, Shares } from "./shares.ts";
import { sparing } from "./sparing-log.ts";
import { StatusError } from "./status.ts";
import type { Bus, BusMessage, CallMeter, Clock, Ids, Log } from "./transport.ts";
import { type LeftOut, nothingLeftOut, validRequest, withSoundTexts } from "./understood.ts";

export { type Implementation, implement } from "./endpoints.ts";

export interface ServerOptions {
  readonly bus: Bus;
  readonly binding: Binding;
  readonly services: readonly Implementation[];
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** All clients' projects, of which one that floods is not heard for a while. Absent: not all are known. */
  readonly projects?: readonly string[];
  /** Whether the server answers `$SRV.PING`, `INFO` and `STATS`; absent: true. */
  readonly discoverable?: boolean;
  /** Absent: nobody counts. */
  readonly meter?: CallMeter | undefined;
}

export interface Server {
  /** Number of requests that are not answered yet, or whose handlers go on. */
  readonly inWork: number;
  /**
   * Takes no further request and resolves when every accepted one is answered: at the latest after
   * wireLimits.drainGraceMs, with UNAVAILABLE shuttingDown (a long poll would last longer than that).
   */
  drain(): Promise<void>;
}

/** Starts listening. All validators are compiled here, none during a request. */
export function createServer(given: ServerOptions): Server {
  const { bus, binding, clock } = given;
  const log = sparing(given.log, clock);
  const options = { ...given, log };
  const endpoints = endpointsOf(options.services);
  const shares = new Shares(sharesOf[binding.kind], clock);
  const keptOut: Hearing["keptOut"] = (...message) => hearing.keptOut(...message);
  const door = createDoor({ binding, room: shares, clock, log: given.log, meter: given.meter, keptOut });
  const ending = new Ending(shares);
  const quiet = new Quiet(clock);
  const commands = binding.kind === "command" ? new CommandBudgets() : undefined;
  const kept = { options, endpoints, shares, commands, ending, quiet, plainLog: given.log };
  // Not async: what waits for the answer must not hold the message, whose body is let go of once it is read.
  const answer = (subject: string, message: BusMessage): Promise<BusMessage | undefined> =>
    handle({ ...kept, subject, message: { ...message } }).catch((thrown: unknown) => {
      log.error({ error: thrown, subject: subject.slice(0, 256) }, "a request could not even be refused");
      return undefined;
    });
  const listen = (pattern: string) => bus.serve(pattern, binding.queue, answer, door);
  const hearing = new Hearing({ binding, projects: given.projects, clock, listen });
  const found =
    options.discoverable === false
      ? []
      : [announce(options, discoverables(options.services, binding, endpoints))];
  return {
    get inWork() {
      return shares.underWay;
    },
    async drain() {
      const timer = clock.after(wireLimits.drainGraceMs, () => ending.cutShort());
      await Promise.all([hearing, ...found].map((heard) => heard.drain()));
      timer.cancel();
      door.close();
    },
  };
}

const sharesOf = { command: commandShares, report: reportShares, host: hostShares };

/** Number of entries that the log names when some could not be understood. */
const leftOutNamedMax = 3;

interface Incoming {
  readonly options: ServerOptions;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly shares: Shares;
  /** What clients' commands may leave behind; undefined where there are no clients. */
  readonly commands: CommandBudgets | undefined;
  readonly ending: Ending;
  /** For lines of the log that a peer may cause with every message. */
  readonly quiet: Quiet;
  /** For what `quiet` lets pass: one host's lines must not count on another's. */
  readonly plainLog: Log;
  readonly subject: string;
  readonly message: Kept;
}

/** The request as long as somebody needs it: the body only until it is decoded. */
interface Kept {
  body: Uint8Array;
  readonly headers: BusMessage["headers"];
}

const nothing = new Uint8Array();

async function handle(incoming: Incoming): Promise<BusMessage> {
  const { options, message } = incoming;
  const encoding = encodingOf(message.body);
  const startedAtMs = options.clock.monotonicMs();
  let endpoint: Endpoint | undefined;
  let requestId: string | undefined;
  let place: Place | undefined;
  try {
    const headers = readRequestHeaders(message.headers);
    requestId = headers.requestId;
    place = await placeOf(incoming, headers);
    const address = options.binding.addressOf(incoming.subject);
    if (address === undefined) throw malformedSubject(options.binding);
    endpoint = endpointAt(incoming.endpoints, address, options.binding);
    endpoint.stats.requests += 1;
    requestId ??= options.ids.next();
    const deadlineMs = startedAtMs + headers.timeoutMs;
    const caller = { project: address.project, requestId };
    const commands = endpoint.method.mutates ? incoming.commands : undefined;
    commands?.assertLeft(caller, startedAtMs);
    const bytes = message.body.length;
    const leftOut = nothingLeftOut();
    const request = requestOf(incoming, endpoint, leftOut);
    const told = leftOut.entries === 0 ? {} : { leftOut };
    const context = { ...address, requestId, traceparent: headers.traceparent, deadlineMs, ...told };
    // Whoever is answered, and when: what a handler has done is kept, also after its caller's deadline.
    const spend = () => commands?.spend(caller, { request, bytes }, startedAtMs);
    const answer = await answerOf(incoming, { endpoint, request, place, context, spend });
    const tookMs = options.clock.monotonicMs() - startedAtMs;
    endpoint.stats.processingMs += tookMs;
    const body = encodeAnswer(sound(endpoint, answer, options.log), encoding);
    noteDone(incoming, endpoint, { context, answer, tookMs });
    options.meter?.answered(endpoint.name, "OK", tookMs);
    return { body, headers: {} };
  } catch (thrown) {
    const error = StatusError.from(thrown, `The request ${requestId ?? ""}`.trim());
    note(incoming, { endpoint, requestId, thrown, error });
    const message = errorMessage(error, encoding);
    options.meter?.answered(endpoint?.name, error.code, options.clock.monotonicMs() - startedAtMs);
    return message;
  } finally {
    place?.leave();
  }
}

/**
 * The place of a request among those under way, at once or in its turn.
 * @throws RESOURCE_EXHAUSTED tooManyRequests, DEADLINE_EXCEEDED deadlinePast
 */
function placeOf(incoming: Incoming, { timeoutMs }: RequestHeaders): Place | Promise<Place> {
  const { message, shares, options } = incoming;
  const name = options.binding.shareOf(incoming.subject) ?? strayName;
  const entered = shares.enter(name, { bytes: message.body.length, leftMs: timeoutMs });
  // What comes off a socket is a view of all that came with it; while it waits, its own bytes are to be kept.
  if (entered instanceof Promise) message.body = new Uint8Array(message.body);
  return entered;
}

interface Called {
  readonly endpoint: Endpoint;
  readonly request: unknown;
  readonly place: Place;
  readonly context: Omit<CallContext, "signal" | "onlyWaits">;
  /** Called when the handler has done what was asked. */
  readonly spend: () => void;
}

/**
 * The handler's answer. A client's request that will wait takes a place among those that do, before all else.
 * Both places are kept until the handler has ended, which may be long after its caller is answered: else
 * short deadlines would begin more and more of them.
 */
function answerOf(incoming: Incoming, called: Called): Promise<unknown> {
  const { endpoint, place, context, request } = called;
  const { options, shares, ending } = incoming;
  const waits = options.binding.kind === "command" && willWait(request);
  const work = async (all: CallContext) => {
    const endWait = waits ? shares.wait(context.project) : undefined;
    try {
      const answer = await endpoint.call(request, all);
      called.spend();
      return answer;
    } finally {
      endWait?.();
    }
  };
  const handle = (all: CallContext) => {
    const working = work(all);
    place.holdFor(working);
    return working;
  };
  const onlyWaits = () => {
    if (waits) place.rest();
  };
  return callUntilDeadline(
    { ...options, ending },
    { name: endpoint.name, context: { ...context, onlyWaits }, handle },
  );
}

/** Long polls and the end of an operation: every method has the same two fields for them. */
function willWait(request: unknown): boolean {
  const { wait, waitMs } = request as { readonly wait?: unknown; readonly waitMs?: unknown };
  return wait === true || (typeof waitMs === "number" && waitMs > 0);
}

const mayBeOlder =
  " Nothing was done. If the name is right, this server is older than its client, and another may know it.";

/** The decoded and validated request; between peers, texts are what schemas say. @throws INVALID_ARGUMENT */
function requestOf({ options, message }: Incoming, { reading, method }: Endpoint, leftOut: LeftOut): unknown {
  const body = decodeRequest(message.body, options.binding.bodyBytesMax);
  // A request may wait for minutes, and its bytes would with it.
  message.body = nothing;
  if (reading === undefined) return validRequest(method.request, withSoundTexts(body), mayBeOlder);
  return validRequest(method.request, reading(body, leftOut));
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
