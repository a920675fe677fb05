/**
 * Aggregates: made and changed by operators. A host is read together with what its aggregates say about it,
 * so that the scheduler hears of every change here like of any other change of hosts.
 */
import { type Aggregate, aggregate, type aggregateService } from "../../../protocol/aggregate.ts";
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import type { Handlers, RequestOf } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { StorePart } from "../../ports/store.ts";
import type { AggregateRecord } from "../../records/catalog.ts";
import type { CommitResult } from "../../records/commit.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { findHost } from "../directory/find-host.ts";
import type { Placer } from "../placement/placer.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { shownRow } from "../request/rows.ts";
import { metadataFault } from "../scheduler/aggregate-metadata.ts";
import { resourceHandlers } from "./resource-handlers.ts";

export interface AggregateOptions extends CatalogOptions {
  readonly store: CatalogOptions["store"] & StorePart<{ instances: "get" }>;
  readonly directory: HostDirectory;
  readonly placer: Placer;
  /** All clients' projects. Absent: not all are known. */
  readonly projects?: readonly string[] | undefined;
}

export function aggregateHandlers(options: AggregateOptions): Handlers<typeof aggregateService> {
  const handlers = resourceHandlers(aggregate, options, {
    join: (rows) => withHosts(rows, options),
    assertFree,
    committed: async () => {
      await options.directory.refresh();
      options.placer.hostsChanged();
    },
  });
  const { create, list, get, delete: remove } = handlers;
  const change: typeof handlers.change = (...asked) => naming(handlers.change(...asked), options);
  const shownWith = async (row: AggregateRecord, hosts: (before: readonly string[]) => readonly string[]) => {
    const before = (await options.store.aggregates.hosts([row.id])).get(row.id) ?? [];
    return { ...shownRow<typeof aggregate>(row), hostIds: [...hosts(before)] };
  };
  return {
    ...{ list, get, delete: remove },
    create: ({ name, availabilityZone = null, metadata = {} }, context) => {
      const request = { name, availabilityZone, metadata };
      const sound = async () => {
        assertMeant(metadata, options);
        return request;
      };
      return create(sound, { request, context });
    },
    set: (request, context) =>
      change("set", { request, context }, async (before) => {
        assertMeant(pairsOf(request), options);
        const after = changed(before, request);
        assertFewKeys(before, after);
        return { after, body: { ...request } };
      }),
    addHost: (request, context) =>
      change("addHost", { request, context }, async (before) => {
        const { id: hostId, name: host } = await findHost(request.host, options.store);
        const commit = { aggregateHosts: [{ aggregateId: before.id, hostId }] };
        const shown = await shownWith(before, (hostIds) => [...new Set([...hostIds, hostId])].sort());
        return { body: { hostId, host }, commit, event: "hostAdded", shown };
      }),
    removeHost: (request, context) =>
      change("removeHost", { request, context }, async (before) => {
        const { id: hostId, name: host } = await findHost(request.host, options.store);
        const shown = await shownWith(before, (hostIds) => {
          if (hostIds.includes(hostId)) return hostIds.filter((id) => id !== hostId);
          throw new StatusError("hostNotFound", `The host ${host} is not in the aggregate ${before.name}.`);
        });
        const commit = { aggregateHostsRemoved: [{ aggregateId: before.id, hostId }] };
        return { body: { hostId, host }, commit, event: "hostRemoved", shown };
      }),
  };
}

/** The same, but that a refusal for the wishes of instances names them, and says what to do. */
async function naming<A>(changing: Promise<A>, { store }: AggregateOptions): Promise<A> {
  try {
    return await changing;
  } catch (thrown) {
    const held = thrown instanceof StatusError ? heldZone(thrown.details) : undefined;
    if (held === undefined) throw thrown;
    const { zone, count, instanceIds } = held;
    const rows = await Promise.all(instanceIds.map((id) => store.instances.get(id)));
    const named = rows.flatMap((row) => (row ? [`${row.instance.name} (${row.instance.id})`] : []));
    const more = count > named.length ? ` and ${count - named.length} more` : "";
    const who = count === 1 ? "an instance has" : `${count} instances have`;
    const message =
      `The zone ${zone} cannot be changed there, for ${who} asked for it: ${named.join(", ")}${more}. ` +
      "Drain their hosts to others of the zone (novact host drain), or delete them.";
    throw new StatusError("inUse", message, { details: held });
  }
}

function heldZone(details: unknown): Held | undefined {
  return typeof details === "object" && details !== null && "kind" in details && details.kind === "zoneInUse"
    ? (details as Held)
    : undefined;
}

type Held = Extract<CommitResult, { kind: "zoneInUse" }>;

async function withHosts(
  rows: readonly AggregateRecord[],
  { store }: AggregateOptions,
): Promise<readonly Aggregate[]> {
  const hosts = await store.aggregates.hosts(rows.map(({ id }) => id));
  return rows.map((row) => ({
    ...shownRow<typeof aggregate>(row),
    hostIds: [...(hosts.get(row.id) ?? [])],
  }));
}

type Settings = RequestOf<(typeof aggregateService)["methods"]["set"]>;

function changed(before: AggregateRecord, { availabilityZone, metadata = {} }: Settings): AggregateRecord {
  const pairs = Object.entries({ ...before.metadata, ...metadata }).flatMap(([key, value]) =>
    value === null ? [] : [[key, value] as const],
  );
  return {
    ...before,
    availabilityZone: availabilityZone === undefined ? before.availabilityZone : availabilityZone,
    metadata: Object.fromEntries(pairs),
  };
}

/** Pairs of metadata that a request writes; those with null are removed by it. */
function pairsOf({ metadata = {} }: Settings): Readonly<Record<string, string>> {
  const pairs = Object.entries(metadata).flatMap(([key, value]) =>
    value === null ? [] : [[key, value] as const],
  );
  return Object.fromEntries(pairs);
}

/** @throws schemaMismatch for values that a filter or weigher could not read */
function assertMeant(metadata: Readonly<Record<string, string>>, { projects }: AggregateOptions): void {
  const fault = metadataFault(metadata, projects);
  if (fault !== undefined) throw faulty("metadata", fault);
}

function assertFree({ name, hostIds: { length } }: Aggregate): void {
  if (length === 0) return;
  const hosts = `${length} ${length === 1 ? "host" : "hosts"}`;
  throw new StatusError("inUse", `The aggregate ${name} has ${hosts}: take them out first.`);
}

/** An aggregate that already has too many keys may still lose some. @throws schemaMismatch */
function assertFewKeys(before: AggregateRecord, after: AggregateRecord): void {
  const [had, has] = [Object.keys(before.metadata).length, Object.keys(after.metadata).length];
  const { metadataKeysMax: most } = fieldLimits;
  if (has <= Math.max(had, most)) return;
  const message = `The aggregate ${before.name} would have ${has} pairs of metadata, of ${most} that it may.`;
  throw new StatusError("schemaMismatch", message);
}
