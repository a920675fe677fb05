/**
 * Reads hosts from PostgreSQL, with what is put together in that moment: when each was heard from, its
 * aggregates, its running builds. It changes nothing.
 */
import type { EntityManager } from "@mikro-orm/postgresql";
import type { ClaimTotal, HostReads, StorageTotal } from "../../actors/ports/host-reads.ts";
import type { PageQuery } from "../../actors/ports/pages.ts";
import type { HostRecord } from "../../actors/records/host.ts";
import type { NumaPlacement } from "../../protocol/numa.ts";
import { readLimits } from "../rows/limits.ts";
import { numaTotals } from "../rows/numa-totals.ts";
import { HostEntity } from "../tables/host.ts";
import type { Database, Row } from "./database.ts";
import { HostFeatureReads } from "./host-features.ts";
import { HostPicture } from "./host-picture.ts";
import {
  aggregateObject,
  buildsByHost,
  isLight,
  leaseOf,
  numaByHost,
  storageList,
  storageOf,
  storageSaid,
  usesOf,
} from "./host-row.ts";
import { type Selection, selectionOf } from "./select.ts";

type Kept = Omit<HostRecord, keyof Joined | "labels" | "features" | "machineTypes" | "numa" | "drivers">;
type Joined = Pick<HostRecord, "lastSeenAtMs" | "aggregates" | "ioOps" | "lease" | "numaClaimed" | "storage">;
type Light = Kept & Joined;

const aggregates = `select json_agg(${aggregateObject} order by a.id)
  from aggregate_host ah join aggregate a on a.id = ah.aggregate_id where ah.host_id = h.id`;

export class PostgresHostReads implements HostReads {
  readonly #database: Database;
  readonly #host: Selection<Kept>;
  readonly #said: HostFeatureReads;
  readonly #picture: HostPicture;

  constructor(em: EntityManager, database: Database) {
    this.#database = database;
    this.#host = selectionOf(em, HostEntity, "h", isLight);
    this.#said = new HostFeatureReads(em, database);
    this.#picture = new HostPicture(em, database, this.#said);
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

  async all(): Promise<readonly HostRecord[]> {
    return this.#picture.read();
  }

  async claimTotals(): Promise<readonly ClaimTotal[]> {
    const text = `select host_id, sum(vcpus)::bigint, sum(memory_mib)::bigint, sum(disk_gib)::bigint, sum(one)::bigint,
        sum(volume_gib)::bigint, json_agg(numa) filter (where numa is not null)
      from (
        select host_id, vcpus, memory_mib, disk_gib, 1 as one, 0::bigint as volume_gib, numa from claim
        union all select host_id, 0, 0, 0, 0, size_gib, null from volume where host_id is not null
        union all select host_id, 0, 0, 0, 0, size_gib, null from deleted_volume where host_id is not null
      ) taken group by host_id order by host_id`;
    const rows = await this.#database.read({ name: "claim_totals", text }, "sum the claims");
    return rows.map(([hostId, vcpus, memoryMib, diskGib, instances, volumeGib, numa]) => ({
      hostId: String(hostId),
      vcpus: Number(vcpus),
      memoryMib: Number(memoryMib),
      diskGib: Number(diskGib),
      instances: Number(instances),
      volumeGib: Number(volumeGib),
      ...numaTotals((numa ?? []) as NumaPlacement[]),
    }));
  }

  async storageTotals(): Promise<readonly StorageTotal[]> {
    const text = `select s.id, s.disk_gib, s.disk_gib_claimed, coalesce(sum(taken.gib), 0)::bigint
      from storage s left join (
        select storage_id, (flavor->>'diskGib')::bigint as gib from instance where storage_id is not null
        union all select storage_id, size_gib from volume where storage_id is not null
        union all select storage_id, size_gib from deleted_volume where storage_id is not null
      ) taken on taken.storage_id = s.id group by s.id order by s.id`;
    const rows = await this.#database.read({ name: "storage_totals", text }, "sum the disks on storages");
    return rows.map(([storageId, diskGib, diskGibClaimed, diskGibCounted]) => ({
      storageId: String(storageId),
      diskGib: Number(diskGib),
      diskGibClaimed: Number(diskGibClaimed),
      diskGibCounted: Number(diskGibCounted),
    }));
  }

  async #read(what: string, clause: string, values: readonly unknown[]): Promise<HostRecord[]> {
    const text = `select ${this.#host.columns}, s.last_seen_at_ms, coalesce(b.running, 0), (${aggregates}),
        l.lease_epoch, l.renewals, l.fenced_by, ${storageSaid}, l.storage_renewals, ${storageList}, k.uses
      from host h join host_seen s on s.host_id = h.id left join host_lease l on l.host_id = h.id
      left join storage g on g.id = h.storage_id
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
    const storage = storageOf(rest.pop());
    return { ...kept, ...seen, aggregates: sets, storage, lease: leaseOf(rest), numaClaimed };
  }
}
