/** What PostgreSQL counts about itself, for benchmarks. Used by nothing else. */
import { MikroORM } from "@mikro-orm/postgresql";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import { ormOptions } from "../postgres/connect.ts";
import { Database } from "../postgres/database.ts";

export interface Counters {
  /** Statements that only read are transactions as well. */
  readonly transactions: number;
  readonly rowsUpdated: number;
  readonly rowsReturned: number;
  readonly walKib: number;
  readonly walSyncs: number;
}

/** What is stored of a host's lease: each renewal adds one to `renewals`. */
export interface StoredLease {
  readonly hostId: string;
  readonly leaseEpoch: number;
  readonly renewals: number;
  readonly fenced: boolean;
}

export interface Probe {
  /** Since the statistics began. They come about a second late: so often PostgreSQL's processes tell them. */
  counters(): Promise<Counters>;
  leases(): Promise<readonly StoredLease[]>;
  close(): Promise<void>;
}

const text = `select d.xact_commit, d.tup_updated, d.tup_returned, (w.wal_bytes / 1024)::bigint, w.wal_sync
  from pg_stat_database d, pg_stat_wal w where d.datname = current_database()`;

const leasesText =
  "select host_id, lease_epoch, renewals, fenced_by is not null from host_lease order by host_id";

export async function openProbe(url: string, clock: Clock, log: Log): Promise<Probe> {
  const orm = await MikroORM.init(ormOptions(url, { max: 1, connectionTimeoutMillis: 5_000 }));
  const database = await Database.of(orm.em, clock, log);
  return {
    counters: async () => {
      const [row = []] = await database.read({ text }, "read PostgreSQL's counters");
      const [transactions = 0, rowsUpdated = 0, rowsReturned = 0, walKib = 0, walSyncs = 0] = row.map(Number);
      return { transactions, rowsUpdated, rowsReturned, walKib, walSyncs };
    },
    leases: async () => {
      const rows = await database.read({ text: leasesText }, "read the leases of all hosts");
      return rows.map(([hostId, leaseEpoch, renewals, fenced]) => ({
        hostId: String(hostId),
        leaseEpoch: Number(leaseEpoch),
        renewals: Number(renewals),
        fenced: fenced === true,
      }));
    },
    close: () => orm.close(true),
  };
}
