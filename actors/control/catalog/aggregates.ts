/**
 * Aggregates: made and changed by operators. A host is read together with what its aggregates say about it,
 * so that the scheduler hears of every change here like of any other change of hosts.
 */
import type { Aggregate, aggregateService } from "../../../protocol/aggregate.ts";
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { CallContext, Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Commit } from "../../records/commit.ts";
import type { AggregateRecord } from "../../records/placement.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { findHost } from "../directory/find-host.ts";
import type { Placer } from "../placement/placer.ts";
import { type CatalogOptions, catalogCommit, commitOnce, unlessAnswered } from "../request/commit-once.ts";
import { fitting, jsonBytes, nextMarker } from "../request/page.ts";

export interface AggregateOptions extends CatalogOptions {
  readonly directory: HostDirectory;
  readonly placer: Placer;
}

const view = (aggregate: AggregateRecord): Aggregate => ({ ...aggregate, hostIds: [...aggregate.hostIds] });

export function aggregateHandlers(options: AggregateOptions): Handlers<typeof aggregateService> {
  const { store, ids, clock } = options;
  const change = changes(options);
  return {
    create: async ({ name, availabilityZone = null, metadata = {} }, context) => {
      const request = { name, availabilityZone, metadata };
      const made = { ...request, id: ids.next(), hostIds: [], createdAtMs: clock.nowMs() };
      const about = { noun: "aggregate", id: made.id, event: "created", body: { name } };
      const commit = catalogCommit("aggregate.create", about, { request, context, options });
      return commitOnce({ aggregates: [made], ...commit }, { aggregate: made }, options);
    },
    list: async (request) => {
      const limit = request.limit ?? wireLimits.pageLengthDefault;
      const found = await store.listAggregates({ ...request, limit });
      const aggregates = fitting(found.map(view), jsonBytes);
      return { aggregates: [...aggregates], ...nextMarker(aggregates, limit, found.length) };
    },
    get: async (_request, context) => ({ aggregate: view(await find(context.id, options)) }),
    set: (request, context) =>
      change("set", "changed", { request, context }, async (before) => {
        const after = changed(before, request);
        assertFewKeys(before, after);
        return {
          commit: { aggregatesChanged: [{ aggregateId: before.id, ...request }] },
          after,
          body: { ...request },
        };
      }),
    addHost: (request, context) =>
      change("addHost", "hostAdded", { request, context }, async (before) => {
        const { id: hostId, name: host } = await findHost(request.host, options.store);
        return {
          commit: { aggregateHosts: [{ aggregateId: before.id, hostId }] },
          after: { ...before, hostIds: [...new Set([...before.hostIds, hostId])].sort() },
          body: { hostId, host },
        };
      }),
    removeHost: (request, context) =>
      change("removeHost", "hostRemoved", { request, context }, async (before) => {
        const { id: hostId, name: host } = await findHost(request.host, options.store);
        if (!before.hostIds.includes(hostId))
          throw new StatusError("hostNotFound", `The host ${host} is not in the aggregate ${before.name}.`);
        return {
          commit: { aggregateHostsRemoved: [{ aggregateId: before.id, hostId }] },
          after: { ...before, hostIds: before.hostIds.filter((id) => id !== hostId) },
          body: { hostId, host },
        };
      }),
    delete: (request, context) =>
      change("delete", "deleted", { request, context }, async (before) => {
        if (before.hostIds.length > 0) throw notEmpty(before);
        return { commit: { aggregatesRemoved: [before.id] }, after: before, body: {} };
      }),
  };
}

interface Change {
  readonly commit: Commit;
  readonly after: AggregateRecord;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Asked {
  readonly request: object;
  readonly context: CallContext;
}

/** One change of one aggregate: an event and an answer, once for each request id. */
function changes(options: AggregateOptions) {
  return async (
    method: string,
    event: string,
    asked: Asked,
    decide: (before: AggregateRecord) => Promise<Change>,
  ): Promise<{ aggregate: Aggregate }> => {
    const cause = { ...asked, options };
    return unlessAnswered(`aggregate.${method}`, cause, async () => {
      const before = await find(asked.context.id, options);
      const { commit, after, body } = await decide(before);
      const about = { noun: "aggregate", id: before.id, event, body: { name: before.name, ...body } };
      const whole = { ...commit, ...catalogCommit(`aggregate.${method}`, about, cause) };
      const answer = await commitOnce(whole, { aggregate: view(after) }, options);
      await options.directory.refresh();
      options.placer.hostsChanged();
      return answer;
    });
  };
}

type Settings = Pick<NonNullable<Commit["aggregatesChanged"]>[number], "availabilityZone" | "metadata">;

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

function notEmpty({ name, hostIds: { length } }: AggregateRecord): StatusError {
  const hosts = `${length} ${length === 1 ? "host" : "hosts"}`;
  return new StatusError("inUse", `The aggregate ${name} has ${hosts}: take them out first.`);
}

/** An aggregate that already has too many keys may still lose some. @throws schemaMismatch */
function assertFewKeys(before: AggregateRecord, after: AggregateRecord): void {
  const [had, has] = [Object.keys(before.metadata).length, Object.keys(after.metadata).length];
  const { metadataKeysMax: most } = fieldLimits;
  if (has <= Math.max(had, most)) return;
  const message = `The aggregate ${before.name} would have ${has} pairs of metadata, of ${most} that it may.`;
  throw new StatusError("schemaMismatch", message);
}

async function find(key: string, { store }: AggregateOptions): Promise<AggregateRecord> {
  const aggregate = await store.getAggregate(key);
  if (aggregate === undefined) throw new StatusError("aggregateNotFound", `There is no aggregate ${key}.`);
  return aggregate;
}
