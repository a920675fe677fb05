/**
 * The NATS services protocol: every service of a server answers to `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`,
 * so that `nats micro ls` and other tools find the methods with their schemas. Discovery takes no part in the
 * calls, and must never cost them much: an empty question has all services answer with all their schemas. So
 * answers are made once, and only some a second are given; further questions are dropped.
 *
 * Source: the NATS architecture decision record on services (ADR-32); response types io.nats.micro.v1.*.
 */

import { admissionLimits } from "../limits/admission.ts";
import type { Binding } from "./binding.ts";
import { Budgets } from "./budget.ts";
import type { Method, Service } from "./service.ts";
import type { Bus, BusDoor, BusMessage, BusSubscription, Clock, Ids } from "./transport.ts";
import { encodeUtf8 } from "./utf8.ts";

export interface EndpointStats {
  requests: number;
  errors: number;
  lastError: string;
  /** Wall time from message to answer, summed. */
  processingMs: number;
}

export interface Discoverable {
  readonly service: Service;
  readonly endpoints: readonly DiscoverableEndpoint[];
}

export interface DiscoverableEndpoint {
  readonly name: string;
  readonly method: Method;
  readonly subject: string;
  readonly queue: string | undefined;
  readonly stats: Readonly<EndpointStats>;
}

interface World {
  readonly bus: Bus;
  readonly binding: Binding;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** A service as it is found, with its answer to each verb. */
interface Found {
  readonly name: string;
  readonly id: string;
  readonly answers: Readonly<Record<Verb, () => BusMessage>>;
}

const verbs = ["PING", "INFO", "STATS"] as const;
type Verb = (typeof verbs)[number];

/** Questions to all services, to the services of a name, and to the service with an id. */
const patterns = ["$SRV.*", "$SRV.*.*", "$SRV.*.*.*"];

/** The services listen under their names until the subscriptions are drained. */
export function announce(world: World, services: readonly Discoverable[]): readonly BusSubscription[] {
  const started = new Date(world.clock.nowMs()).toISOString();
  const found = services.map((one) => foundAs(one, world, started));
  const asked = (subject: string): readonly (() => BusMessage)[] => {
    const [, word, name, id] = subject.split(".");
    const verb = verbs.find((one) => one === word);
    if (verb === undefined) return [];
    return found.flatMap((one) =>
      (name ?? one.name) === one.name && (id ?? one.id) === one.id ? [one.answers[verb]] : [],
    );
  };
  const door = discoveryDoor(world.clock, asked);
  return patterns.map((pattern) =>
    world.bus.serve(pattern, undefined, async (subject) => asked(subject).map((answer) => answer()), door),
  );
}

/** Lets as many questions in as may be answered; each costs what it has of answers. */
function discoveryDoor(clock: Clock, asked: (subject: string) => { readonly length: number }): BusDoor {
  const { discoveryAnswersPerSecondMax: perSecond, discoveryAnswersBurstMax: burst } = admissionLimits;
  const rate = { messagesPerSecond: perSecond, messagesBurst: burst };
  const budgets = new Budgets({ ...rate, bytesPerSecond: perSecond, bytesBurst: burst }, verbs.length);
  return {
    admit(subject) {
      const { length } = asked(subject);
      const verb = subject.split(".")[1] ?? "";
      return length > 0 && budgets.take(verb, length, clock.monotonicMs()) ? "take" : "drop";
    },
    refusal: () => ({ body: new Uint8Array(), headers: {} }),
  };
}

function foundAs(discoverable: Discoverable, { clock, ids, binding }: World, started: string): Found {
  const { service } = discoverable;
  const identity = {
    name: `novact-${service.noun}`,
    id: ids.next(),
    version: service.version,
    metadata: { kind: binding.kind, protocol: "novact.v1" },
  };
  const messageOf = (answer: unknown): BusMessage => ({
    body: encodeUtf8(JSON.stringify(answer)),
    headers: {},
  });
  let stats: { readonly atMs: number; readonly message: BusMessage } | undefined;
  const statsNow = () => {
    const atMs = clock.monotonicMs();
    if (stats === undefined || atMs - stats.atMs >= admissionLimits.discoveryStatsKeptMs)
      stats = { atMs, message: messageOf(statsOf(identity, discoverable, started)) };
    return stats.message;
  };
  const [ping, info] = [
    messageOf({ type: "io.nats.micro.v1.ping_response", ...identity }),
    messageOf(infoOf(identity, discoverable)),
  ];
  return {
    name: identity.name,
    id: identity.id,
    answers: { PING: () => ping, INFO: () => info, STATS: statsNow },
  };
}

function infoOf(identity: object, { service, endpoints }: Discoverable): unknown {
  return {
    type: "io.nats.micro.v1.info_response",
    ...identity,
    description: service.summary,
    endpoints: endpoints.map(({ name, method, subject, queue }) => ({
      name,
      subject,
      queue_group: queue ?? "",
      metadata: {
        schema: `novact.v1.${service.noun}.${name}`,
        version: service.version,
        summary: method.summary,
        target: method.target,
        audience: method.audience,
        mutates: String(method.mutates),
        request: JSON.stringify(method.request),
        answer: JSON.stringify(method.answer),
      },
    })),
  };
}

function statsOf(identity: object, { endpoints }: Discoverable, started: string): unknown {
  return {
    type: "io.nats.micro.v1.stats_response",
    ...identity,
    started,
    endpoints: endpoints.map(({ name, subject, queue, stats }) => {
      const processingNs = Math.round(stats.processingMs * 1e6);
      return {
        name,
        subject,
        queue_group: queue ?? "",
        num_requests: stats.requests,
        num_errors: stats.errors,
        last_error: stats.lastError,
        processing_time: processingNs,
        average_processing_time: stats.requests === 0 ? 0 : Math.round(processingNs / stats.requests),
      };
    }),
  };
}
