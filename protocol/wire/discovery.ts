/**
 * The NATS services protocol: every service of a server answers to `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`,
 * so that `nats micro ls` and other tools find the methods with their schemas. Discovery takes no part in the
 * calls.
 *
 * Source: the NATS architecture decision record on services (ADR-32); response types io.nats.micro.v1.*.
 */

import type { Binding } from "./binding.ts";
import type { Method, Service } from "./service.ts";
import type { Bus, BusSubscription, Clock, Ids } from "./transport.ts";
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

/** The services listen under their names until the subscriptions are drained. */
export function announce(world: World, services: readonly Discoverable[]): readonly BusSubscription[] {
  const started = new Date(world.clock.nowMs()).toISOString();
  return services.flatMap((discoverable) => {
    const { service } = discoverable;
    const identity = {
      name: `novact-${service.noun}`,
      id: world.ids.next(),
      version: service.version,
      metadata: { kind: world.binding.kind, protocol: "novact.v1" },
    };
    const describe = (verb: string): unknown => {
      if (verb === "PING") return { type: "io.nats.micro.v1.ping_response", ...identity };
      if (verb === "INFO") return infoOf(identity, discoverable);
      if (verb === "STATS") return statsOf(identity, discoverable, started);
      return undefined;
    };
    const patterns = ["$SRV.*", `$SRV.*.${identity.name}`, `$SRV.*.${identity.name}.${identity.id}`];
    return patterns.map((pattern) =>
      world.bus.serve(pattern, undefined, async (subject) => {
        const answer = describe(subject.split(".")[1] ?? "");
        return answer === undefined ? undefined : { body: encodeUtf8(JSON.stringify(answer)), headers: {} };
      }),
    );
  });
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
