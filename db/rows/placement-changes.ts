/**
 * What a commit means for quotas and groups, read off its rows: what its projects use more, which instances
 * may use less, and which claims are under the rule of a group. Both stores judge by these lists; a commit
 * without any is not looked at again. Pure.
 */

import type { Commit } from "../../actors/records/commit.ts";
import type { InstanceRecord } from "../../actors/records/instance.ts";
import type { QuotaUse } from "../../actors/records/placement.ts";

export interface Usage extends QuotaUse {
  readonly project: string;
}

export interface GroupedClaim {
  readonly instanceId: string;
  readonly hostId: string;
  readonly groupId: string;
}

export function useOf({ flavor }: InstanceRecord): QuotaUse {
  return { instances: 1, vcpus: flavor.vcpus, memoryMib: flavor.memoryMib };
}

export function sumOfUse(left: QuotaUse, right: QuotaUse, times: 1 | -1 = 1): QuotaUse {
  return {
    instances: left.instances + times * right.instances,
    vcpus: left.vcpus + times * right.vcpus,
    memoryMib: left.memoryMib + times * right.memoryMib,
  };
}

/** What the commit's new instances use, by project. */
export function usageOf({ instances = [] }: Commit): readonly Usage[] {
  const sums = new Map<string, Usage>();
  for (const { expectedVersion, row } of instances) {
    if (expectedVersion > 0 || row.deletedAtMs !== null) continue;
    const { project } = row;
    const before = sums.get(project) ?? { instances: 0, vcpus: 0, memoryMib: 0 };
    sums.set(project, { project, ...sumOfUse(before, useOf(row)) });
  }
  return [...sums.values()];
}

/** Ids of instances that are deleted after the commit; some of them may have been before. */
export function deletingOf({ instances = [] }: Commit): readonly string[] {
  return instances.flatMap(({ expectedVersion, row }) =>
    expectedVersion > 0 && row.deletedAtMs !== null ? [row.id] : [],
  );
}

export function groupedOf({ instances = [], claims = [] }: Commit): readonly GroupedClaim[] {
  if (claims.length === 0) return [];
  const groups = new Map<string, string>();
  // An instance that is being deleted is no member on the host that removes its disk.
  for (const { row } of instances)
    if (row.serverGroupId !== null && row.desired !== "deleted") groups.set(row.id, row.serverGroupId);
  return claims.flatMap(({ instanceId, hostId }) => {
    const groupId = groups.get(instanceId);
    return groupId === undefined ? [] : [{ instanceId, hostId, groupId }];
  });
}
