/** Reads aggregates, server groups and quotas from PostgreSQL. It changes nothing. */
import type { EntityManager } from "@mikro-orm/postgresql";
import type { PageQuery, Store } from "../../actors/ports/store.ts";
import type {
  AggregateRecord,
  GroupHost,
  GroupMember,
  QuotaRecord,
  QuotaTotal,
  QuotaUse,
  ServerGroupRecord,
} from "../../actors/records/placement.ts";
import { AggregateEntity, ServerGroupEntity } from "../tables/placement.ts";
import type { Database } from "./database.ts";
import { readAll, type Selection, selectionOf } from "./select.ts";

export class PlacementReads {
  readonly #database: Database;
  readonly #aggregate: Selection<Omit<AggregateRecord, "hostIds">>;
  readonly #group: Selection<ServerGroupRecord>;

  constructor(em: EntityManager, database: Database) {
    this.#database = database;
    this.#aggregate = selectionOf(em, AggregateEntity, "a");
    this.#group = selectionOf(em, ServerGroupEntity, "g");
  }

  async aggregate(key: string): Promise<AggregateRecord | undefined> {
    const clause = "where a.id = $1 or a.name = $1 order by a.id = $1 desc limit 1";
    return (await this.#aggregates(clause, [key]))[0];
  }

  async aggregates({ marker = "", limit }: PageQuery): Promise<readonly AggregateRecord[]> {
    return this.#aggregates("where a.id > $1 order by a.id limit $2", [marker, limit]);
  }

  async #aggregates(clause: string, values: readonly unknown[]): Promise<AggregateRecord[]> {
    const hosts = `select coalesce(json_agg(ah.host_id order by ah.host_id), '[]') from aggregate_host ah
      where ah.aggregate_id = a.id`;
    const text = `select ${this.#aggregate.columns}, (${hosts}) from aggregate a ${clause}`;
    const statement = { name: `aggregates_${values.length}`, text, values };
    const rows = await this.#database.read(statement, "read aggregates");
    return rows.flatMap((row) => {
      const found = this.#aggregate.read(row);
      const hostIds = row[this.#aggregate.width] as readonly string[];
      return found === undefined ? [] : [{ ...found, hostIds }];
    });
  }

  async zones({ name, limit }: Parameters<Store["listZones"]>[0]): Promise<readonly string[]> {
    const text = `select distinct availability_zone from aggregate
      where availability_zone = coalesce($1, availability_zone) order by availability_zone limit $2`;
    const statement = { name: "zones", text, values: [name ?? null, limit] };
    return (await this.#database.read(statement, "list zones")).map(([zone]) => String(zone));
  }

  async serverGroup(key: string, project?: string): Promise<ServerGroupRecord | undefined> {
    const clause =
      project === undefined
        ? "where g.id = $1"
        : "where g.project = $2 and (g.id = $1 or g.name = $1) order by g.id = $1 desc limit 1";
    const values = project === undefined ? [key] : [key, project];
    const text = `select ${this.#group.columns} from server_group g ${clause}`;
    const statement = { name: `group_${values.length}`, text, values };
    return readAll(this.#group, await this.#database.read(statement, "read a server group"))[0];
  }

  async serverGroups({
    marker = "",
    limit,
    project,
  }: PageQuery & { project?: string }): Promise<readonly ServerGroupRecord[]> {
    const own = project === undefined ? "" : "and g.project = $3";
    const values = [marker, limit, ...(project === undefined ? [] : [project])];
    const text = `select ${this.#group.columns} from server_group g where g.id > $1 ${own} order by g.id limit $2`;
    const statement = { name: `groups_${values.length}`, text, values };
    return readAll(this.#group, await this.#database.read(statement, "list server groups"));
  }

  async groupHosts(groupId: string, except = ""): Promise<readonly GroupHost[]> {
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

  /** One statement: what is made or deleted meanwhile is in both sums, or in neither. */
  async quotaTotals(): Promise<readonly QuotaTotal[]> {
    const text = `select project, coalesce(q.instances_used, 0), coalesce(q.vcpus_used, 0), coalesce(q.memory_mib_used, 0),
        coalesce(i.instances, 0), coalesce(i.vcpus, 0), coalesce(i.memory, 0)
      from quota q full join (
        select project, count(*) as instances, sum((flavor->>'vcpus')::bigint)::bigint as vcpus,
            sum((flavor->>'memoryMib')::bigint)::bigint as memory
          from instance where deleted_at_ms is null group by project
      ) i using (project) order by project`;
    const rows = await this.#database.read({ name: "quota_totals", text }, "sum what projects use");
    return rows.map(([project, ...sums]) => ({
      project: String(project),
      used: useIn(sums.slice(0, 3)),
      counted: useIn(sums.slice(3)),
    }));
  }

  /** Numbers may come as texts: each is made a number where it is one. */
  async quota(project: string): Promise<QuotaRecord> {
    const text = `select instances, vcpus, memory_mib, instances_used, vcpus_used, memory_mib_used
      from quota where project = $1`;
    const statement = { name: "quota", text, values: [project] };
    const [row = [null, null, null, 0, 0, 0]] = await this.#database.read(statement, "read a quota");
    const [instances, vcpus, memoryMib] = row.map((value) => (value === null ? null : Number(value)));
    const [instancesUsed, vcpusUsed, memoryMibUsed] = row.slice(3).map(Number);
    return {
      project,
      limits: { instances: instances ?? null, vcpus: vcpus ?? null, memoryMib: memoryMib ?? null },
      used: { instances: instancesUsed ?? 0, vcpus: vcpusUsed ?? 0, memoryMib: memoryMibUsed ?? 0 },
    };
  }
}

function useIn(sums: readonly unknown[]): QuotaUse {
  const [instances = 0, vcpus = 0, memoryMib = 0] = sums.map(Number);
  return { instances, vcpus, memoryMib };
}
