/** Reads quotas from PostgreSQL. It changes nothing. */
import type { QuotaReads } from "../../actors/ports/quota-reads.ts";
import type { QuotaRecord, QuotaTotal, QuotaUse } from "../../actors/records/placement.ts";
import { quotaResources } from "../../protocol/quota.ts";
import { limitedResources, summedLimits } from "../../protocol/resources.ts";
import { extensionLimitsIn } from "../rows/quota-limits.ts";
import { columnNameOf } from "../rows/row-changes.ts";
import type { Database } from "./database.ts";

export class PostgresQuotaReads implements QuotaReads {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async get(project: string): Promise<QuotaRecord> {
    const statement = { name: "quota", text: quotaText, values: [project] };
    const [row] = await this.#database.read(statement, "read a quota");
    const [own, limits, used, ...counts] = row ?? [];
    const set = { ...(own as Limits), ...(limits as Limits) };
    const all = quotaResources.map((one) => [one, set[one] ?? null]);
    const counted = [
      ...limitedResources.map(({ many }) => many),
      ...summedLimits.map(({ name }) => name),
    ].map((name, at) => [name, Number(counts[at])]);
    return {
      project,
      limits: Object.fromEntries(all) as QuotaRecord["limits"],
      used: { ...(used as QuotaUse), ...Object.fromEntries(counted) } as QuotaRecord["used"],
      ...extensionLimitsIn(set),
    };
  }

  /** One statement: what is made or deleted meanwhile is in both sums, or in neither. */
  async totals(): Promise<readonly QuotaTotal[]> {
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
}

type Limits = Readonly<Record<string, number | null>>;

const sums = summedLimits.map(
  ({ resource, field }) =>
    `(select coalesce(sum(${columnNameOf(field)}), 0) from ${resource.table} where project = $1)`,
);

/** One statement: limits and sums of one moment. A project without a row uses nothing. */
const quotaText = `select
    jsonb_build_object('instances', q.instances, 'vcpus', q.vcpus, 'memoryMib', q.memory_mib),
    coalesce(q.limits, '{}'),
    jsonb_build_object('instances', coalesce(q.instances_used, 0), 'vcpus', coalesce(q.vcpus_used, 0),
      'memoryMib', coalesce(q.memory_mib_used, 0),
      'imageBytes', (select coalesce(sum(size_bytes), 0)::bigint from image where project = $1)),
    ${[...limitedResources.map(({ table }) => `(select count(*) from ${table} where project = $1)`), ...sums].join(", ")}
  from (select $1::text as project) p left join quota q on q.project = p.project`;

function useIn(sums: readonly unknown[]): QuotaUse {
  const [instances = 0, vcpus = 0, memoryMib = 0] = sums.map(Number);
  return { instances, vcpus, memoryMib };
}
