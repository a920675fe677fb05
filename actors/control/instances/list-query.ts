/**
 * The filters of a request for a list, as the store takes them: names of hosts and groups become ids, and
 * fields for one value and for several become one. What a filter names and nobody has is an error, where
 * nothing could have it; a flavor or image that is gone may still be that of an instance. Reads only.
 */
import type { eventService } from "../../../protocol/event.ts";
import type { instanceService } from "../../../protocol/instance.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { operationService } from "../../../protocol/operation.ts";
import { serverGroup } from "../../../protocol/server-group.ts";
import type { CallContext, Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { EventQuery } from "../../ports/event-reads.ts";
import type { InstanceQuery } from "../../ports/instance-reads.ts";
import type { OperationQuery } from "../../ports/operation-reads.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { valuesOf } from "../request/page.ts";
import { scopeOf } from "../request/tenancy.ts";

type ListRequest = Parameters<Handlers<typeof instanceService>["list"]>[0];

export interface ListOptions {
  readonly store: StorePart<{ rows: "called" }>;
  readonly directory: Pick<HostDirectory, "all" | "refresh">;
}

/** @throws adminOnly, hostNotFound, serverGroupNotFound */
export async function instanceQuery(
  request: ListRequest,
  context: CallContext,
  options: ListOptions,
): Promise<InstanceQuery> {
  const { name, state, hostId, hosts, serverGroups, limit, ...filters } = request;
  const idsOfHosts = hosts && (await hostIdsOf(hosts, context, options));
  const groups = serverGroups?.map((key) => groupIdsOf(key, context, options));
  return {
    ...filters,
    ...scopeOf(context),
    limit: limit ?? wireLimits.pageLengthDefault,
    names: valuesOf(name, request.names),
    states: valuesOf(state, request.states),
    hostIds: valuesOf(hostId, idsOfHosts),
    serverGroupIds: groups && (await Promise.all(groups)).flat(),
  };
}

/** A name means every host that has it. */
async function hostIdsOf(
  keys: readonly string[],
  { project }: CallContext,
  { directory }: ListOptions,
): Promise<readonly string[]> {
  if (project !== adminProject)
    throw new StatusError("adminOnly", "Only operators choose instances by their hosts.");
  const called = (key: string) => directory.all().filter(({ id, name }) => id === key || name === key);
  if (keys.some((key) => called(key).length === 0)) await directory.refresh();
  return keys.flatMap((key) => {
    const hosts = called(key);
    if (hosts.length === 0) throw new StatusError("hostNotFound", `There is no host ${key}.`);
    return hosts.map(({ id }) => id);
  });
}

/** A name means every group that has it: of the project, for operators of any. */
async function groupIdsOf(
  key: string,
  context: CallContext,
  { store }: ListOptions,
): Promise<readonly string[]> {
  const groups = await store.rows.called(serverGroup, key, scopeOf(context));
  if (groups.length === 0) throw new StatusError("serverGroupNotFound", `There is no server group ${key}.`);
  return groups.map(({ id }) => id);
}

export function operationQuery(
  request: Parameters<Handlers<typeof operationService>["list"]>[0],
  context: CallContext,
): OperationQuery {
  const { instanceId, instanceIds, noun, entityId, state, limit, ...filters } = request;
  const instances = valuesOf(instanceId, instanceIds);
  return {
    ...filters,
    ...scopeOf(context),
    limit: limit ?? wireLimits.pageLengthDefault,
    noun: noun ?? (instances === undefined ? undefined : "instance"),
    entityIds: valuesOf(entityId, instances),
    states: valuesOf(state, request.states),
  };
}

/** `now`: where events begin that have not happened yet. @throws schemaMismatch */
export function eventQuery(
  request: Parameters<Handlers<typeof eventService>["list"]>[0],
  context: CallContext,
  now: number,
): EventQuery {
  const { noun, after, before, events, limit, order, waitMs, id, sinceMs } = request;
  const newest = order === "newest";
  if (newest && (waitMs ?? 0) > 0)
    throw new StatusError("schemaMismatch", "waitMs goes with the order oldest: new events come last.");
  if (!newest && before !== undefined)
    throw new StatusError("schemaMismatch", "before goes with the order newest.");
  const first = newest || sinceMs !== undefined ? 0 : now;
  return {
    ...scopeOf(context),
    ...(order === undefined ? {} : { order }),
    ...(before === undefined ? {} : { before }),
    limit: limit ?? wireLimits.pageLengthDefault,
    after: after ?? first,
    nouns: valuesOf(noun, request.nouns),
    names: events,
    id,
    sinceMs,
  };
}
