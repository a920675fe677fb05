/**
 * Aggregates: made and changed by operators. A host is read together with what its aggregates say about it,
 * so that the scheduler hears of every change here like of any other change of hosts.
 */
import { type Aggregate, aggregate, type aggregateService } from "../../../protocol/aggregate.ts";
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import type { Handlers, RequestOf } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { AggregateRecord } from "../../records/catalog.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { findHost } from "../directory/find-host.ts";
import type { Placer } from "../placement/placer.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { shownRow } from "../request/rows.ts";
import { resourceHandlers } from "./resource-handlers.ts";

export interface AggregateOptions extends CatalogOptions {
  readonly directory: HostDirectory;
  readonly placer: Placer;
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
  const { create, change, list, get, delete: remove } = handlers;
  const shownWith = async (row: AggregateRecord, hosts: (before: readonly string[]) => readonly string[]) => {
    const before = (await options.store.aggregates.hosts([row.id])).get(row.id) ?? [];
    return { ...shownRow<typeof aggregate>(row), hostIds: [...hosts(before)] };
  };
  return {
    ...{ list, get, delete: remove },
    create: ({ name, availabilityZone = null, metadata = {} }, context) => {
      const request = { name, availabilityZone, metadata };
      return create(request, { request, context });
    },
    set: (request, context) =>
      change("set", { request, context }, async (before) => {
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
