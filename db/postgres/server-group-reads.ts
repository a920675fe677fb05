/** Reads from PostgreSQL where the members of server groups are. It changes nothing. */
import type { ServerGroupReads } from "../../actors/ports/server-group-reads.ts";
import type { GroupHost, GroupMember } from "../../actors/records/placement.ts";
import type { Database } from "./database.ts";

export class PostgresServerGroupReads implements ServerGroupReads {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async members(groupId: string, limit: number): Promise<readonly GroupMember[]> {
    const text = `select id, host_id from instance where live_server_group_id = $1
      order by id limit $2`;
    const statement = { name: "group_members", text, values: [groupId, limit] };
    const rows = await this.#database.read(statement, "list a group's members");
    return rows.map(([id, hostId]) => ({
      instanceId: String(id),
      hostId: hostId === null ? null : String(hostId),
    }));
  }

  async hosts(groupId: string, except = ""): Promise<readonly GroupHost[]> {
    const member = "i.live_server_group_id = $1 and i.id <> $2";
    const text = `select host_id, count(*) from (
        select i.host_id from instance i where ${member} and i.host_id is not null
        union all
        select host_id from (
          select distinct i.id, c.host_id from instance i join claim c on c.instance_id = i.id
            where ${member} and i.host_id is null
        ) leaving
      ) places group by host_id order by host_id`;
    const statement = { name: "group_hosts", text, values: [groupId, except] };
    const rows = await this.#database.read(statement, "count a group's members by host");
    return rows.map(([hostId, members]) => ({ hostId: String(hostId), members: Number(members) }));
  }
}
