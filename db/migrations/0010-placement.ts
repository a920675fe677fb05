/**
 * A member of a server group that leaves its host has none, and is still where its claim is: its guest may run
 * there until the host says that it is gone. So no other member of an anti-affinity group comes there before.
 *
 * Members are found by their host, and those that have none among all others, at once: the rule of a group is
 * judged while all other commits wait.
 */
import { Migration } from "@mikro-orm/migrations";
import { groups as groups0003 } from "./0003-rules.ts";
import { swapped } from "./0005-drain.ts";

const leaving = (compared: string) => `instance i join claim c on c.instance_id = i.id
          where i.server_group_id = g.id and i.deleted_at_ms is null and i.host_id is null
            and c.host_id ${compared} r."hostId" and i.id <> r."instanceId"`;

const groups = swapped(
  swapped(
    swapped(
      groups0003,
      `and i.host_id = r."hostId" and i.id <> r."instanceId")`,
      `and i.host_id = r."hostId" and i.id <> r."instanceId")
        + (select count(distinct i.id) from ${leaving("=")})`,
    ),
    `and i.host_id <> r."hostId" and i.id <> r."instanceId")`,
    `and i.host_id <> r."hostId" and i.id <> r."instanceId")
        or exists (select from ${leaving("<>")})`,
  ),
  "create function",
  "create or replace function",
);

const index = `create index instance_group_host_idx on instance (server_group_id, host_id, id)
  where server_group_id is not null and deleted_at_ms is null`;

export class Migration0010Placement extends Migration {
  override up(): void {
    for (const sql of [index, groups]) this.addSql(sql);
  }
}
