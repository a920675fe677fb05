/** The typed clients of every service that clients reach, on any bus; methods come from the definitions. */
import { services } from "../../protocol/services.ts";
import { commandBinding } from "../../protocol/wire/binding.ts";
import { createClient, type Interceptor } from "../../protocol/wire/client.ts";
import type { Encoding } from "../../protocol/wire/codec.ts";
import { composing } from "../../protocol/wire/composed.ts";
import { retrying } from "../../protocol/wire/retry.ts";
import type { Client, Method, Service } from "../../protocol/wire/service.ts";
import { adminProject } from "../../protocol/wire/subjects.ts";
import type { Bus, Clock, Ids } from "../../protocol/wire/transport.ts";

export { services } from "../../protocol/services.ts";

export type Clients = { readonly [K in keyof typeof services]: Client<(typeof services)[K]> };

/** The client of a plug-in's service, typed by the definition that the plug-in's package exports. */
export type ClientOf = <M extends Record<string, Method>>(service: Service<M>) => Client<Service<M>>;

interface ClientOptions {
  readonly interceptors?: readonly Interceptor[];
  readonly encoding?: Encoding;
}

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
export function createClients(world: ClientWorld, options: ClientOptions = {}): Clients {
  const of = clientOf(world, options);
  const clients: Record<string, unknown> = {};
  for (const [name, service] of Object.entries<Service>(services)) clients[name] = of(service);
  return clients as Clients;
}

/** Makes clients of any service, as those of ours are made. */
export function clientOf(world: ClientWorld, options: ClientOptions = {}): ClientOf {
  const { bus, clock, ids, project, cell } = world;
  const clientOptions = {
    bus,
    clock,
    ids,
    binding: commandBinding(cell),
    // An operator's method exists only in the project `admin`; a user without that right is refused by the
    // server.
    projectOf: ({ audience }: Method) => (audience === "admin" ? adminProject : project),
    interceptors: [...(options.interceptors ?? []), composing, retrying(world)],
    ...(options.encoding === undefined ? {} : { encoding: options.encoding }),
  };
  return (service) => createClient(service, clientOptions);
}
