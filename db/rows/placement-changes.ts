/**
 * What a commit means for quotas, groups and zones, read off its rows: what its projects use more, which
 * instances may use less, which claims are under the rule of a group, and which are in a zone that was asked
 * for. Both stores judge by these lists; a commit without any is not looked at again. Pure.
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

export interface ZonedClaim {
  readonly instanceId: string;
  readonly hostId: string;
  readonly zone: string;
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

/** Claims of instances that have asked for a zone, without those that are only made anew. */
export function zonedOf({ instances = [], claims = [], claimsReleased = [] }: Commit): readonly ZonedClaim[] {
  if (claims.length === 0) return [];
  const zones = new Map<string, string>();
  // Wherever the disk of an instance that is being deleted is, it is removed there.
  for (const { row } of instances)
    if (row.availabilityZone !== null && row.desired !== "deleted") zones.set(row.id, row.availabilityZone);
  return claims.flatMap(({ instanceId, ownerEpoch, hostId }) => {
    const zone = zones.get(instanceId);
    const isAnew = claimsReleased.some(
      (one) => one.instanceId === instanceId && one.ownerEpoch === ownerEpoch,
    );
    return zone === undefined || isAnew ? [] : [{ instanceId, hostId, zone }];
  });
}
