/**
 * Reads hosts from PostgreSQL, with what is put together in that moment: when each was heard from, its
 * aggregates, its running builds; and writes signs of life, which are no commits. It changes nothing else.
 */
import type { EntityManager } from "@mikro-orm/postgresql";
import type { PageQuery } from "../../actors/ports/rows.ts";
import type { Renewal } from "../../actors/ports/store.ts";
import type { HostRecord } from "../../actors/records/host.ts";
import type { FenceProof } from "../../protocol/fence.ts";
import { type NumaUse, nothingUsed } from "../../protocol/numa.ts";
import { readLimits } from "../rows/limits.ts";
import { HostEntity } from "../tables/host.ts";
import type { Database, Row } from "./database.ts";
import { type HostFeatureReads, isBulky } from "./host-features.ts";
import { type Selection, selectionOf } from "./select.ts";

type Kept = Omit<HostRecord, keyof Joined | "labels" | "features" | "machineTypes" | "numa">;
type Joined = Pick<HostRecord, "lastSeenAtMs" | "aggregates" | "ioOps" | "lease" | "numaClaimed">;
type Light = Kept & Joined;

/** Few instances are unsettled, and they have an index: this costs little however many there are. */
export const buildsByHost = `select host_id, count(*) as running from instance
  where (not settled or operation_id is not null) and state = 'building' and host_id is not null
  group by host_id`;
/** Of the aggregate `a`, as its hosts show it. */
export const aggregateObject = `json_build_object('id', a.id, 'name', a.name,
    'availabilityZone', a.availability_zone, 'metadata', a.metadata)`;
const aggregates = `select json_agg(${aggregateObject} order by a.id)
  from aggregate_host ah join aggregate a on a.id = ah.aggregate_id where ah.host_id = h.id`;

/** The few hosts whose NUMA nodes have claims have an index. */
export const numaByHost = `select host_id, json_agg(json_build_array(node, resource, claimed)) as uses from host_numa_node
  where claimed > 0 group by host_id`;

/** Of the lease `l`: what the renewal of its present count said. */
export const storageSaid = "case when l.storage_at = l.renewals then l.storage_id end";

/** Fields that are read with a host's row: all but the bulky ones (host-said.ts) and `realCpus`. */
export const isLight = (field: string): boolean => !isBulky(field) && field !== "realCpus";

export class HostReads {
  readonly #database: Database;
  readonly #host: Selection<Kept>;
  readonly #said: HostFeatureReads;

  constructor(em: EntityManager, database: Database, said: HostFeatureReads) {
    this.#database = database;
    this.#host = selectionOf(em, HostEntity, "h", isLight);
    this.#said = said;
  }

  async get(hostId: string): Promise<HostRecord | undefined> {
    return (await this.#read("get", "where h.id = $1", [hostId]))[0];
  }

  async called(key: string): Promise<readonly HostRecord[]> {
    const clause = `where h.id = $1 or (h.name = $1 and not exists (select from host o where o.id = $1))
      order by h.id limit $2`;
    return this.#read("called", clause, [key, readLimits.hostsOfOneNameMax]);
  }

  async list({ marker = "", limit }: PageQuery): Promise<readonly HostRecord[]> {
    return this.#read("list", "where h.id > $1 order by h.id limit $2", [marker, limit]);
  }

  async atWork({ marker = "", limit }: PageQuery): Promise<readonly string[]> {
    // The conditions are those of two indexes that hold nothing of hosts at rest.
    const text = `select id from (
        select instance_id as id from operation where state = 'running' and noun = 'host'
        union select id from host where draining is not null
      ) working where id > $1 order by id limit $2`;
    const statement = { name: "hosts_at_work", text, values: [marker, limit] };
    return (await this.#database.read(statement, "look for hosts at work")).map(([id]) => String(id));
  }

  async touch(hostIds: readonly string[], atMs: number): Promise<readonly string[]> {
    // A row that somebody else is writing is being touched anyway: passing it by, nobody ever waits for
    // anybody.
    const text = `with free as (
        select host_id from host_seen where host_id = any ($1) and last_seen_at_ms < $2 for update skip locked
      ), touched as (
        update host_seen set last_seen_at_ms = $2 where host_id in (select host_id from free)
      ) select host_id from host_seen where host_id = any ($1) order by host_id`;
    const statement = { name: "touch", text, values: [hostIds, atMs] };
    const rows = await this.#database.read(statement, "touch hosts");
    return rows.map(([id]) => String(id));
  }

  async renew(leases: readonly Renewal[]): Promise<readonly string[]> {
    // In order of id, so that two controllers never wait for each other; a fence under way is waited for, and
    // then the lease is not held any more.
    // What is said twice at once and not alike is not said.
    const text = `with asked as (
        select host_id, lease_epoch,
            case when bool_and(storage is not null) and min(storage) = max(storage) then min(storage) end as storage
          from unnest($1::text[], $2::bigint[], $3::text[]) as r(host_id, lease_epoch, storage) group by host_id, lease_epoch
      ), held as (
        select l.host_id, a.storage from host_lease l join asked a on a.host_id = l.host_id and a.lease_epoch = l.lease_epoch
          where l.fenced_by is null and exists (select from host h where h.id = l.host_id)
          order by l.host_id for update of l
      ) update host_lease l set renewals = l.renewals + 1, storage_id = h.storage, storage_at = l.renewals + 1,
          storage_renewals = case when h.storage is null then 0
            when l.storage_id = h.storage and l.storage_at = l.renewals then l.storage_renewals + 1 else 1 end
        from held h where l.host_id = h.host_id returning l.host_id`;
    const values = [
      leases.map(({ hostId }) => hostId),
      leases.map(({ leaseEpoch }) => leaseEpoch),
      leases.map(({ storageId }) => storageId),
    ];
    const rows = await this.#database.read({ name: "renew_leases", text, values }, "renew leases");
    return rows.map(([id]) => String(id));
  }

  async #read(what: string, clause: string, values: readonly unknown[]): Promise<HostRecord[]> {
    const text = `select ${this.#host.columns}, s.last_seen_at_ms, coalesce(b.running, 0), (${aggregates}),
        l.lease_epoch, l.renewals, l.fenced_by, ${storageSaid}, l.storage_renewals, k.uses
      from host h join host_seen s on s.host_id = h.id left join host_lease l on l.host_id = h.id
      left join (${buildsByHost}) b on b.host_id = h.id left join (${numaByHost}) k on k.host_id = h.id ${clause}`;
    const rows = await this.#database.read({ name: `hosts_${what}`, text, values }, "read hosts");
    return this.#said.complete(rows.flatMap((row) => this.#record(row) ?? []));
  }

  #record(row: Row): Light | undefined {
    const kept = this.#host.read(row);
    const [lastSeenAtMs, ioOps, joined, ...rest] = row.slice(this.#host.width);
    if (kept === undefined) return undefined;
    const sets = (joined ?? []) as HostRecord["aggregates"];
    const seen = { lastSeenAtMs: Number(lastSeenAtMs), ioOps: Number(ioOps) };
    const numaClaimed = usesOf(rest.pop());
    return { ...kept, ...seen, aggregates: sets, lease: leaseOf(rest), numaClaimed };
  }
}

export function leaseOf([
  ownerEpoch,
  renewals,
  fencedBy,
  storageId,
  storageRenewals,
]: Row): HostRecord["lease"] {
  if (ownerEpoch === null) return null;
  // A renewal through a controller of the version before says nothing of the storage, nor does a grant.
  const storage = typeof storageId === "string" ? { id: storageId, renewals: Number(storageRenewals) } : null;
  // Written by novact_lease, and by nobody else.
  const proof = fencedBy as FenceProof | null;
  return { leaseEpoch: Number(ownerEpoch), renewals: Number(renewals), storage, fencedBy: proof };
}

/** Written by novact_numa, as db/rules/numa/numa.sql names them. */
export function usesOf(rows: unknown): NumaUse[] {
  const uses: NumaUse[] = [];
  for (const [node, resource, claimed] of (rows ?? []) as [number, string, number][]) {
    while (uses.length <= node) uses.push(nothingUsed);
    uses[node] = withResource(uses[node] ?? nothingUsed, resource, claimed);
  }
  return uses;
}

function withResource(use: NumaUse, resource: string, claimed: number): NumaUse {
  if (resource === "cpus") return { ...use, pinnedCpus: claimed };
  if (resource === "memory") return { ...use, memoryMib: claimed };
  const hugePages = [...use.hugePages, { sizeKib: Number(resource.split(":")[1]), claimed }];
  return { ...use, hugePages: hugePages.sort((left, right) => left.sizeKib - right.sizeKib) };
}
