/**
 * The methods of a server, ready to be called, and which of them an address means. All validators are
 * compiled here, once. It must never call a handler itself, nor read a body.
 */
import type { Address, Binding } from "./binding.ts";
import type { Discoverable, EndpointStats } from "./discovery.ts";
import type { CallContext, Handlers, Method, Service } from "./service.ts";
import { StatusError } from "./status.ts";
import { adminProject, systemProject } from "./subjects.ts";
import { type Reading, understood } from "./understood.ts";
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

/** One method, ready to be called. */
export interface Endpoint {
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

export function endpointsOf(services: readonly Implementation[]): ReadonlyMap<string, Endpoint> {
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

export function discoverables(
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

export function malformedSubject(binding: Binding): StatusError {
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
export function endpointAt(
  endpoints: ReadonlyMap<string, Endpoint>,
  address: Address,
  binding: Binding,
): Endpoint {
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
