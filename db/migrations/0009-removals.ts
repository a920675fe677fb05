/**
 * A host is forgotten with what was parked there only when nothing of it can run there any more. A fence by
 * the host's silence, or by its storage, stops only guests that were claimed under a lease and whose disks
 * other hosts can open; where the power is off, or an operator says so, nothing runs at all.
 */
import { Migration } from "@mikro-orm/migrations";
import { swapped } from "./0005-drain.ts";
import { removals as removals0006 } from "./0006-numa.ts";

const opensElsewhere = `(i.storage_id is not null
  or (coalesce(i.image->'disk', 'null') = 'null' and (i.flavor->>'diskGib')::bigint = 0))`;

const removals = swapped(
  removals0006,
  "where not r.parked) then",
  `where not r.parked)
    or exists (
      select from jsonb_to_recordset(turn->'hostsRemoved') as r("hostId" text)
          join claim c on c.host_id = r."hostId" join instance i on i.id = c.instance_id
          left join host_lease l on l.host_id = r."hostId"
        where i.deleted_at_ms is null and coalesce(l.fenced_by->>'kind', '') not in ('power', 'operator')
          and (c.lease_epoch = 0 or not ${opensElsewhere})
    ) then`,
);

export class Migration0009Removals extends Migration {
  override up(): void {
    this.addSql(removals);
  }
}
