/**
 * The typed clients of every service that clients reach, on any bus. The SDK's only list of services; the
 * methods come from the definitions.
 */
import { aggregateService, availabilityZoneService } from "../../protocol/aggregate.ts";
import { controllerService } from "../../protocol/controller.ts";
import { eventService } from "../../protocol/event.ts";
import { flavorService } from "../../protocol/flavor.ts";
import { doctorService, hostService } from "../../protocol/host.ts";
import { imageService } from "../../protocol/image.ts";
import { instanceService } from "../../protocol/instance.ts";
import { operationService } from "../../protocol/operation.ts";
import { quotaService } from "../../protocol/quota.ts";
import { serverGroupService } from "../../protocol/server-group.ts";
import { commandBinding } from "../../protocol/wire/binding.ts";
import { createClient, type Interceptor } from "../../protocol/wire/client.ts";
import type { Encoding } from "../../protocol/wire/codec.ts";
import { retrying } from "../../protocol/wire/retry.ts";
import type { Client, Method, Service } from "../../protocol/wire/service.ts";
import { adminProject } from "../../protocol/wire/subjects.ts";
import type { Bus, Clock, Ids } from "../../protocol/wire/transport.ts";

/** Every service that clients reach, by its name in the SDK. */
export const services = {
  instance: instanceService,
  operation: operationService,
  event: eventService,
  flavor: flavorService,
  image: imageService,
  host: hostService,
  aggregate: aggregateService,
  availabilityZone: availabilityZoneService,
  serverGroup: serverGroupService,
  quota: quotaService,
  doctor: doctorService,
  controller: controllerService,
} as const;

export type Clients = { readonly [K in keyof typeof services]: Client<(typeof services)[K]> };

export interface ClientWorld {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly project: string;
  readonly cell: string;
  /** Random numbers of at least 0 and below 1, for the jitter of retries. */
  readonly random: () => number;
  /** Mints request ids. */
  readonly ids: Ids;
}

/** The clients on a bus that the caller brings: what `connect` of sdk.ts makes, without the connection. */
export function createClients(
  world: ClientWorld,
  options: { readonly interceptors?: readonly Interceptor[]; readonly encoding?: Encoding } = {},
): Clients {
  const { bus, clock, ids, project, cell } = world;
  const clientOptions = {
    bus,
    clock,
    ids,
    binding: commandBinding(cell),
    // An operator's method exists only in the project `admin`; a user without that right is refused by the
    // server.
    projectOf: ({ audience }: Method) => (audience === "admin" ? adminProject : project),
    interceptors: [...(options.interceptors ?? []), retrying(world)],
    ...(options.encoding === undefined ? {} : { encoding: options.encoding }),
  };
  const clients: Record<string, unknown> = {};
  for (const [name, service] of Object.entries<Service>(services)) {
    clients[name] = createClient(service, clientOptions);
  }
  return clients as Clients;
}
