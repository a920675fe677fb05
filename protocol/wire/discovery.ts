/**
 * The NATS services protocol: every service of a server answers to `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`,
 * so that `nats micro ls` and other tools find the methods with their schemas. Discovery takes no part in the
 * calls, and must never cost them much: an empty question has all services answer with all their schemas. So
 * answers are made once, and only some a second are given; further questions are dropped, and when dropping
 * them costs too much, nobody listens for a while.
 *
 * Source: the NATS architecture decision record on services (ADR-32); response types io.nats.micro.v1.*.
 */

import { admissionLimits } from "../limits/admission.ts";
import type { Binding } from "./binding.ts";
import { Budgets } from "./budget.ts";
import { Mutes } from "./mute.ts";
import type { Method, Service } from "./service.ts";
import type { Bus, BusDoor, BusMessage, BusSubscription, Clock, Ids, Timer } from "./transport.ts";
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

/** The services answer under their names until they are drained. */
export function announce(world: World, services: readonly Discoverable[]): BusSubscription {
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
  return new Questions(world, asked);
}

type Asked = (subject: string) => readonly (() => BusMessage)[];

/** All questions count as of one sender: their subjects do not say who asks. */
const whoever = "$SRV";

/** Listens for questions, and not for a while when those that are dropped cost too much. */
class Questions implements BusSubscription {
  readonly #world: World;
  readonly #asked: Asked;
  readonly #mutes = new Mutes();
  readonly #budgets: Budgets;
  readonly #leaving = new Set<Promise<void>>();
  #heard: readonly BusSubscription[] = [];
  #again: Timer | undefined;

  constructor(world: World, asked: Asked) {
    const { discoveryAnswersPerSecondMax: perSecond, discoveryAnswersBurstMax: burst } = admissionLimits;
    const rate = { messagesPerSecond: perSecond, messagesBurst: burst };
    this.#budgets = new Budgets({ ...rate, bytesPerSecond: perSecond, bytesBurst: burst }, verbs.length);
    this.#world = world;
    this.#asked = asked;
    this.#listen();
  }

  async drain(): Promise<void> {
    this.#again?.cancel();
    this.#leave();
    await Promise.all(this.#leaving);
  }

  #listen(): void {
    const door: BusDoor = {
      admit: (subject, bytes) => this.#admit(subject, bytes),
      refusal: () => ({ body: new Uint8Array(), headers: {} }),
    };
    const answers = async (subject: string) => this.#asked(subject).map((answer) => answer());
    this.#heard = patterns.map((pattern) => this.#world.bus.serve(pattern, undefined, answers, door));
  }

  #leave(): void {
    for (const one of this.#heard) {
      const left = one.drain();
      this.#leaving.add(left);
      void left.finally(() => this.#leaving.delete(left));
    }
    this.#heard = [];
  }

  /** Lets as many questions in as may be answered; each costs what it has of answers. */
  #admit(subject: string, bytes: number): "take" | "drop" {
    const nowMs = this.#world.clock.monotonicMs();
    // Still on their way from before.
    if (this.#heard.length === 0) return "drop";
    const { length } = this.#asked(subject);
    const verb = subject.split(".")[1] ?? "";
    if (length > 0 && this.#budgets.take(verb, length, nowMs)) return "take";
    const forMs = this.#mutes.keptOut(whoever, bytes, nowMs);
    if (forMs !== undefined) {
      this.#leave();
      this.#again = this.#world.clock.after(forMs, () => this.#listen());
    }
    return "drop";
  }
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
