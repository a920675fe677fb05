/**
 * Whether the processes of a host hold its lease on the storage that it shares: said with every renewal, for
 * the lease that it renews. Agents that know nothing of it say no.
 */
import { Migration } from "@mikro-orm/migrations";

export class Migration0008StorageLease extends Migration {
  override up(): void {
    this.addSql("alter table host_lease add column storage_epoch bigint not null default '0'");
  }
}
