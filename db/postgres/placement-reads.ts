/** Reads what places are chosen by, and quotas, from PostgreSQL. It changes nothing. */
import type { Store } from "../../actors/ports/store.ts";
import type {
  GroupHost,
  GroupMember,
  QuotaRecord,
  QuotaTotal,
  QuotaUse,
} from "../../actors/records/placement.ts";
import { quotaResources } from "../../protocol/quota.ts";
import { limitedResources } from "../../protocol/resources.ts";
import type { Database } from "./database.ts";

export class PlacementReads {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async aggregateHosts(aggregateIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const text = `select aggregate_id, json_agg(host_id order by host_id) from aggregate_host
      where aggregate_id = any($1) group by aggregate_id`;
    const statement = { name: "aggregate_hosts", text, values: [aggregateIds] };
    const rows = await this.#database.read(statement, "read the hosts of aggregates");
    return new Map(rows.map(([id, hostIds]) => [String(id), hostIds as readonly string[]]));
  }

  async zones({ name, limit }: Parameters<Store["listZones"]>[0]): Promise<readonly string[]> {
    const text = `select distinct availability_zone from aggregate
      where availability_zone = coalesce($1, availability_zone) order by availability_zone limit $2`;
    const statement = { name: "zones", text, values: [name ?? null, limit] };
    return (await this.#database.read(statement, "list zones")).map(([zone]) => String(zone));
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

  async quota(project: string): Promise<QuotaRecord> {
    const statement = { name: "quota", text: quotaText, values: [project] };
    const [row] = await this.#database.read(statement, "read a quota");
    const [own, limits, used, ...counts] = row ?? [];
    const set = { ...(own as Limits), ...(limits as Limits) };
    const all = quotaResources.map((one) => [one, set[one] ?? null]);
    const counted = limitedResources.map(({ many }, at) => [many, Number(counts[at])]);
    return {
      project,
      limits: Object.fromEntries(all) as QuotaRecord["limits"],
      used: { ...(used as QuotaUse), ...Object.fromEntries(counted) } as QuotaRecord["used"],
    };
  }
}

type Limits = Readonly<Record<string, number | null>>;

/** One statement: limits and sums of one moment. A project without a row uses nothing. */
const quotaText = `select
    jsonb_build_object('instances', q.instances, 'vcpus', q.vcpus, 'memoryMib', q.memory_mib),
    coalesce(q.limits, '{}'),
    jsonb_build_object('instances', coalesce(q.instances_used, 0), 'vcpus', coalesce(q.vcpus_used, 0),
      'memoryMib', coalesce(q.memory_mib_used, 0)),
    ${limitedResources.map(({ table }) => `(select count(*) from ${table} where project = $1)`).join(", ")}
  from (select $1::text as project) p left join quota q on q.project = p.project`;

function useIn(sums: readonly unknown[]): QuotaUse {
  const [instances = 0, vcpus = 0, memoryMib = 0] = sums.map(Number);
  return { instances, vcpus, memoryMib };
}
