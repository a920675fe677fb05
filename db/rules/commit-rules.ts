/**
 * What no commit may ever ask, whatever the database holds: a commit that breaks one of these rules is a bug
 * of the actor that made it, and both stores refuse it as `internal` before they look at a row. PostgreSQL's
 * CHECKs and triggers say most of it again, for whoever writes past this file. Pure.
 */

import type { Commit, InstanceChange } from "../../actors/records/commit.ts";
import type {
  ClaimRecord,
  InstanceRecord,
  MachineRecord,
  OperationRecord,
} from "../../actors/records/instance.ts";
import { isSameShape } from "../../protocol/shape.ts";
import { StatusError } from "../../protocol/wire/status.ts";

/** @throws INTERNAL when the commit breaks a rule */
export function assertCommit(commit: Commit): void {
  const defect = defectOf(commit);
  if (defect !== undefined) throw defectError(defect);
}

export function defectError(defect: string): StatusError {
  return new StatusError("internal", "A turn that may not be was refused by the store.", { detail: defect });
}

/** The first rule that the commit breaks, as a sentence; undefined when it is sound. */
function defectOf(commit: Commit): string | undefined {
  return (
    doubledIn(commit) ??
    unguardedIn(commit) ??
    first(commit.instances, instanceDefect) ??
    first(commit.operations, operationDefect) ??
    first(commit.claims, claimDefect)
  );
}

function claimDefect(claim: ClaimRecord): string | undefined {
  const { instanceId, ownerEpoch, vcpus, memoryMib, diskGib, numa } = claim;
  if (ownerEpoch < 1 || vcpus < 0 || memoryMib < 0 || diskGib < 0)
    return `The claim of ${instanceId} has no epoch or a negative size.`;
  if (!numa) return undefined;
  const { nodes } = numa;
  const sum = (unit: "vcpus" | "memoryMib") => nodes.reduce((all, one) => all + one[unit], 0);
  const sound =
    new Set(nodes.map(({ node }) => node)).size === nodes.length &&
    nodes.every((one) => ((one.memoryMib * 1_024) / (one.pageKib ?? 1)) % 1 === 0) &&
    sum("vcpus") === vcpus &&
    sum("memoryMib") === memoryMib;
  return sound ? undefined : `The cells of the claim of ${instanceId} are not what it takes of its host.`;
}

function first<T>(rows: readonly T[] | undefined, check: (row: T) => string | undefined): string | undefined {
  for (const row of rows ?? []) {
    const defect = check(row);
    if (defect !== undefined) return defect;
  }
  return undefined;
}

function instanceDefect({ expectedVersion, row, guestData }: InstanceChange): string | undefined {
  if (guestData !== undefined && (expectedVersion > 0 || row.guest === null))
    return `Instance ${row.id} is told something that no new guest is told.`;
  if (row.version !== expectedVersion + 1)
    return `Instance ${row.id}: version ${row.version} does not follow ${expectedVersion}.`;
  if ((row.state === "deleted") !== (row.deletedAtMs !== null))
    return `Instance ${row.id}: state ${row.state} does not go with its time of deletion.`;
  if (row.hostId !== null && row.ownerEpoch < 1) return `Instance ${row.id} has an owner but no epoch.`;
  return undefined;
}

function operationDefect(row: OperationRecord): string | undefined {
  if ((row.state === "running") === (row.endedAtMs === null)) return undefined;
  return `Operation ${row.id}: state ${row.state} does not go with its time of ending.`;
}

/**
 * Everything that belongs to an instance is guarded by the version of its row, so the row must be in the
 * commit; and an operation of a host by the version of the host.
 */
function unguardedIn(commit: Commit): string | undefined {
  const guarded = new Set(commit.instances?.map(({ row }) => row.id));
  const hosts = new Set(commit.hostsExpected?.map(({ hostId }) => hostId));
  const ofInstances = commit.operations?.filter(({ noun }) => noun === "instance") ?? [];
  const loose = commit.operations?.find(({ noun, entityId }) => noun === "host" && !hosts.has(entityId));
  if (loose !== undefined) return `Host ${loose.entityId} has operation ${loose.id} without its version.`;
  const dependent = [
    commit.machines,
    commit.machinesGone,
    commit.claims,
    commit.claimsReleased,
    ofInstances.map(({ entityId }) => ({ instanceId: entityId })),
  ];
  for (const rows of dependent) {
    const defect = first<{ readonly instanceId: string }>(rows, ({ instanceId }) =>
      guarded.has(instanceId) ? undefined : `Instance ${instanceId} is touched without its row.`,
    );
    if (defect !== undefined) return defect;
  }
  return undefined;
}

function doubledIn(commit: Commit): string | undefined {
  const keys: readonly (readonly string[] | undefined)[] = [
    commit.instances?.map(({ row }) => row.id),
    commit.machines?.map(({ instanceId, ownerEpoch }) => `${instanceId} ${ownerEpoch}`),
    commit.operations?.map(({ id }) => id),
    commit.hosts?.map(({ hostId }) => hostId),
    commit.hostsEnabled?.map(({ hostId }) => hostId),
    commit.hostsExpected?.map(({ hostId }) => hostId),
    commit.hostsRemoved?.map(({ hostId }) => hostId),
  ];
  for (const list of keys) {
    if (list !== undefined && list.length > 1 && new Set(list).size < list.length)
      return `One row is in the turn twice: ${list.join(", ")}.`;
  }
  return undefined;
}

/** What a row may not go back on (I1), or undefined. PostgreSQL has triggers for it. */
export function instanceRegression(before: InstanceRecord, after: InstanceRecord): string | undefined {
  if (after.generation < before.generation || after.ownerEpoch < before.ownerEpoch)
    return `Instance ${after.id}: the generation or epoch falls.`;
  if (!before.built || isSameShape(before.shape, after.shape)) return undefined;
  return `Instance ${after.id}: the shape of a machine that has run changes.`;
}

/** An observation replaces only an older one of the same epoch; any other is passed over silently. */
export function replacesObservation(before: MachineRecord | undefined, after: MachineRecord): boolean {
  return before === undefined || after.generation > before.generation;
}
