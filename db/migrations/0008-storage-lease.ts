/**
 * Whether the processes of a host hold its lease on the storage that it shares: said with every renewal, for
 * its count. A controller from before raises the count alone, and so says no.
 */
import { Migration } from "@mikro-orm/migrations";

export class Migration0008StorageLease extends Migration {
  override up(): void {
    this.addSql(`alter table host_lease add column storage_id text collate "C",
      add column storage_at bigint not null default '0', add column storage_renewals bigint not null default '0'`);
  }
}
