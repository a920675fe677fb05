/**
 * Calls of our own handlers in this process, by what a plug-in's handler does for its caller: the same
 * checks of the request and of the audience as on the bus, and the caller's project. It has no rights of its
 * own.
 */
import type { CallContext, Service } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import { validRequest } from "../../../protocol/wire/understood.ts";

type AnyHandlers = Readonly<Record<string, (request: never, context: CallContext) => Promise<unknown>>>;

export interface OwnService {
  readonly service: Service;
  readonly handlers: AnyHandlers;
}

/** @throws unknownMethod, adminOnly, schemaMismatch, unknownField; what the handler throws */
export async function callInProcess(
  { service, handlers }: OwnService,
  name: string,
  request: object,
  context: CallContext,
): Promise<unknown> {
  const method = Object.hasOwn(service.methods, name) ? service.methods[name] : undefined;
  const handler = handlers[name];
  if (method === undefined || handler === undefined)
    throw new StatusError("unknownMethod", `There is no method ${service.noun}.${name}.`);
  if (method.audience === "admin" && context.project !== adminProject)
    throw new StatusError("adminOnly", `The method ${service.noun}.${name} is only in the project admin.`);
  return handler(validRequest(method.request, request) as never, context);
}
