/** What projects use of their quotas in memory, as quota.sql has it. */
import type { QuotaRecord, QuotaTotal, QuotaUse } from "../../../actors/records/placement.ts";
import { everyProject, quotaResources, usedResources } from "../../../protocol/quota.ts";
import { limitedResources, summedLimits } from "../../../protocol/resources.ts";
import type { Resource } from "../../../protocol/wire/resource.ts";
import { deletingOf, sumOfUse, type Usage, usageOf, useOf } from "../../rows/placement-changes.ts";
import { extensionLimitsIn } from "../../rows/quota-limits.ts";
import type { Refusal, StoredQuota, Tables, Work } from "../../rows/tables.ts";
import { imageBytesOf } from "../image/room.ts";
import { fieldOf, rowsOwnedBy } from "../reference/memory.ts";

/** The row of a project; one that nobody heard of has no limit and uses nothing. */
export function storedQuota(tables: Tables, project: string): StoredQuota {
  const nothing = { instances: 0, vcpus: 0, memoryMib: 0 };
  return tables.quotas.get(project) ?? { project, limits: {}, used: nothing };
}

export function quotaOf(tables: Tables, project: string): QuotaRecord {
  const { limits, used } = storedQuota(tables, project);
  const all = quotaResources.map((one) => [one, limits[one] ?? null]);
  const counts = limitedResources.map((one) => [one.many, rowsOwnedBy(tables, one, { project }).length]);
  const sums = summedLimits.map((one) => [one.name, sumOfField(tables, one.resource, one.field, project)]);
  return {
    project,
    limits: Object.fromEntries(all) as QuotaRecord["limits"],
    used: {
      ...used,
      imageBytes: imageBytesOf(tables, project),
      ...Object.fromEntries([...counts, ...sums]),
    } as QuotaRecord["used"],
    ...extensionLimitsIn(limits),
  };
}

/** Of all rows of the project. */
export const sumOfField = (tables: Tables, resource: Resource, field: string, project: string): number =>
  rowsOwnedBy(tables, resource, { project }).reduce((sum, row) => sum + Number(fieldOf(row, field)), 0);

/** The limit that is set for the project, or for all of them; undefined: none is. */
export function limitOf(tables: Tables, project: string, resource: string): number | undefined {
  const own: Readonly<Record<string, number | null>> = storedQuota(tables, project).limits;
  const every: Readonly<Record<string, number | null>> = storedQuota(tables, everyProject).limits;
  return own[resource] ?? every[resource] ?? undefined;
}

/** Of every project with a quota or an instance that is not deleted, in order. */
export function quotaTotalsOf(tables: Tables): readonly QuotaTotal[] {
  const nothing = { instances: 0, vcpus: 0, memoryMib: 0 };
  const counted = new Map<string, QuotaUse>();
  for (const row of tables.instances.values())
    if (row.deletedAtMs === null)
      counted.set(row.project, sumOfUse(counted.get(row.project) ?? nothing, useOf(row)));
  const quotas = [...tables.quotas.values()].map(({ project }) => project);
  const projects = [...new Set([...quotas, ...counted.keys()])].sort();
  return projects.map((project) => {
    const { used } = storedQuota(tables, project);
    return { project, used, counted: counted.get(project) ?? nothing };
  });
}

/** Before the instances are written, for it compares with what they were. */
export function applyUse({ tables, commit, journal }: Work): Refusal | undefined {
  for (const id of deletingOf(commit)) {
    const before = tables.instances.get(id);
    if (before === undefined || before.deletedAtMs !== null) continue;
    const quota = storedQuota(tables, before.project);
    const { instances, vcpus, memoryMib } = sumOfUse(quota.used, useOf(before), -1);
    const used = {
      instances: Math.max(0, instances),
      vcpus: Math.max(0, vcpus),
      memoryMib: Math.max(0, memoryMib),
    };
    tables.quotas.put(before.project, { ...quota, used }, journal);
  }
  for (const usage of usageOf(commit)) {
    const quota = storedQuota(tables, usage.project);
    const refusal = beyond(tables, quota, usage);
    if (refusal !== undefined) return refusal;
    tables.quotas.put(usage.project, { ...quota, used: sumOfUse(quota.used, usage) }, journal);
  }
  return undefined;
}

function beyond(tables: Tables, { project, used }: StoredQuota, asked: Usage): Refusal | undefined {
  for (const resource of usedResources) {
    const limit = limitOf(tables, project, resource) ?? -1;
    if (limit < 0 || asked[resource] === 0 || used[resource] + asked[resource] <= limit) continue;
    return { kind: "quotaExceeded", resource, limit, used: used[resource], asked: asked[resource] };
  }
  return undefined;
}
