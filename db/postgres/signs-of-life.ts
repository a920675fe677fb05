/**
 * Writes into PostgreSQL that hosts live and hold their leases: beside the commits, in rows that no commit of
 * an instance waits for. It changes nothing else of a host.
 */
import type { Renewal, SignsOfLife } from "../../actors/ports/signs-of-life.ts";
import type { Database } from "./database.ts";

export class PostgresSignsOfLife implements SignsOfLife {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
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
}
