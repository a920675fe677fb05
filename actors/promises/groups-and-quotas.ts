/**
 * The part of I3 about groups and quotas: a claim never breaks the hard rule of its instance's group, and no
 * create takes a project above its quota. Both are counted here, from the rows themselves.
 */
import { everyProject, type QuotaLimits, usedResources } from "../../protocol/quota.ts";
import { serverGroup } from "../../protocol/server-group.ts";
import type { ServerGroupRecord } from "../records/catalog.ts";
import type { Commit } from "../records/commit.ts";
import type { ClaimRecord, InstanceRecord, MachineKey } from "../records/instance.ts";
import type { QuotaUse } from "../records/placement.ts";

interface Known {
  readonly groups: Map<string, ServerGroupRecord>;
  readonly limits: Map<string, Partial<QuotaLimits>>;
  /** Instances that are not deleted, by id. */
  readonly live: Map<string, InstanceRecord>;
  readonly used: Map<string, QuotaUse>;
  /** Ids of live instances, by group. */
  readonly members: Map<string, Set<string>>;
  /** The host of each claim, by instance and epoch. */
  readonly claims: Map<string, Map<number, string>>;
}

const nothing: QuotaUse = { instances: 0, vcpus: 0, memoryMib: 0 };

/** Judges each commit; answers what it breaks, as sentences. */
export function groupsAndQuotas(): (commit: Commit) => readonly string[] {
  const known: Known = {
    groups: new Map(),
    limits: new Map(),
    live: new Map(),
    used: new Map(),
    members: new Map(),
    claims: new Map(),
  };
  return (commit) => {
    learn(known, commit);
    const grown = new Set<string>();
    for (const { expectedVersion, row } of commit.instances ?? []) {
      if (expectedVersion === 0) grown.add(row.project);
      write(known, row);
    }
    hold(known, commit);
    return [
      ...[...grown].flatMap((project) => exceeded(known, project)),
      ...(commit.claims ?? []).flatMap((claim) => broken(known, claim)),
    ];
  };
}

function learn({ groups, limits }: Known, commit: Commit): void {
  for (const change of commit.rows ?? []) {
    if (change.resource.noun !== serverGroup.noun) continue;
    if ("removed" in change) groups.delete(change.removed);
    else if ("made" in change) groups.set(change.made.id, change.made as ServerGroupRecord);
  }
  for (const { project, ...given } of commit.quotas ?? [])
    limits.set(project, { ...limits.get(project), ...given });
}

function hold({ claims }: Known, commit: Commit): void {
  const removed = new Set(commit.hostsRemoved?.map(({ hostId }) => hostId));
  if (removed.size > 0)
    for (const [instanceId, held] of claims)
      for (const [ownerEpoch, hostId] of held)
        if (removed.has(hostId)) release(claims, { instanceId, ownerEpoch });
  for (const key of commit.claimsReleased ?? []) release(claims, key);
  for (const { instanceId, ownerEpoch, hostId } of commit.claims ?? [])
    claims.set(instanceId, (claims.get(instanceId) ?? new Map<number, string>()).set(ownerEpoch, hostId));
}

function release(claims: Known["claims"], { instanceId, ownerEpoch }: MachineKey): void {
  const held = claims.get(instanceId);
  held?.delete(ownerEpoch);
  if (held?.size === 0) claims.delete(instanceId);
}

function write(known: Known, row: InstanceRecord): void {
  const before = known.live.get(row.id);
  if (before !== undefined) count(known, before, -1);
  known.live.delete(row.id);
  if (row.deletedAtMs !== null) return;
  known.live.set(row.id, row);
  count(known, row, 1);
}

function count({ used, members }: Known, { id, project, flavor, serverGroupId }: InstanceRecord, by: 1 | -1) {
  const { instances, vcpus, memoryMib } = used.get(project) ?? nothing;
  used.set(project, {
    instances: instances + by,
    vcpus: vcpus + by * flavor.vcpus,
    memoryMib: memoryMib + by * flavor.memoryMib,
  });
  if (serverGroupId === null) return;
  const ofGroup = members.get(serverGroupId) ?? new Set();
  if (by === 1) ofGroup.add(id);
  else ofGroup.delete(id);
  members.set(serverGroupId, ofGroup);
}

function exceeded({ used, limits }: Known, project: string): readonly string[] {
  const [own, every] = [limits.get(project), limits.get(everyProject)];
  const has = used.get(project) ?? nothing;
  return usedResources.flatMap((resource) => {
    const limit = own?.[resource] ?? every?.[resource] ?? -1;
    if (limit < 0 || has[resource] <= limit) return [];
    return [`The project ${project} has ${has[resource]} ${resource} of ${limit} that it may have.`];
  });
}

/**
 * A member counts on the host that owns it and on each host where it holds a claim: its guest may run there
 * as long as the claim lasts.
 */
function broken(known: Known, { instanceId, hostId }: ClaimRecord): readonly string[] {
  const { groups, live, members, claims } = known;
  const claiming = live.get(instanceId);
  const group = groups.get(claiming?.serverGroupId ?? "");
  // A claim to remove the disk of a deleted instance: no guest will run there, so no rule applies.
  if (group === undefined || claiming?.desired === "deleted") return [];
  const others = [...(members.get(group.id) ?? [])].flatMap((id) => {
    if (id === instanceId) return [];
    return [...new Set([live.get(id)?.hostId ?? [], ...(claims.get(id)?.values() ?? [])].flat())];
  });
  const here = others.filter((host) => host === hostId).length;
  const crowded = group.policy === "anti-affinity" && here >= (group.maxPerHost ?? 1);
  const apart = group.policy === "affinity" && here < others.length;
  if (!crowded && !apart) return [];
  return [
    `Instance ${instanceId} on host ${hostId} breaks the rule ${group.policy} of the group ${group.id}.`,
  ];
}
