/**
 * The part of I3 about groups and quotas that can be seen when all is quiet, also from outside: where the
 * members of a group are, that a project's use is the sum of what it has, and, by the numbered events, that
 * no create went above the quota of its moment.
 */
import { everyProject, type QuotaLimits, type UsedResource, usedResources } from "../../protocol/quota.ts";
import type { QuotaUse } from "../records/placement.ts";
import type { InstanceFacts, Quiet } from "./facts.ts";

export function placementFaults(quiet: Quiet): readonly string[] {
  return [
    ...(quiet.groups ?? []).flatMap((group) => groupFaults(group)),
    ...(quiet.quotas ?? []).flatMap((quota) => useFaults(quota, quiet.instances)),
    ...(quiet.quotas === undefined ? [] : quotaFaults(quiet)),
  ];
}

function groupFaults({ id, policy, maxPerHost, hostIds }: NonNullable<Quiet["groups"]>[number]) {
  const hosts = new Set(hostIds);
  if (policy === "affinity" && hosts.size > 1)
    return [`The members of the affinity group ${id} are on ${[...hosts].sort().join(" and ")}.`];
  if (policy !== "anti-affinity") return [];
  return [...hosts].flatMap((host) => {
    const here = hostIds.filter((one) => one === host).length;
    if (here <= (maxPerHost ?? 1)) return [];
    return [`On host ${host} are ${here} members of the anti-affinity group ${id}.`];
  });
}

const nothing: QuotaUse = { instances: 0, vcpus: 0, memoryMib: 0 };

function plus(left: QuotaUse, right: QuotaUse, times: 1 | -1): QuotaUse {
  return {
    instances: left.instances + times * right.instances,
    vcpus: left.vcpus + times * right.vcpus,
    memoryMib: left.memoryMib + times * right.memoryMib,
  };
}

const has = (instances: readonly InstanceFacts[], project: string): QuotaUse =>
  instances
    .filter((one) => one.project === project && !one.deleted)
    .reduce((sum, { size = nothing }) => plus(sum, size, 1), nothing);

function useFaults(
  { project, used }: NonNullable<Quiet["quotas"]>[number],
  instances: readonly InstanceFacts[],
): readonly string[] {
  const counted = has(instances, project);
  return usedResources
    .filter((resource) => used[resource] !== counted[resource])
    .map((one) => `The project ${project} counts ${used[one]} ${one} as used, and has ${counted[one]}.`);
}

type Limits = Map<string, Partial<QuotaLimits>>;

/**
 * From the end back to the beginning: what a project had before an event is what it had after it, less what
 * the event brought. A limit counts from the first event that tells of it.
 */
function quotaFaults({ events, instances }: Quiet): readonly string[] {
  const sizes = new Map(instances.map(({ id, size }) => [id, size ?? nothing]));
  const used = new Map<string, QuotaUse>();
  const now = (project: string) => used.get(project) ?? has(instances, project);
  const afterEach = events.toReversed().map((event) => {
    const after = now(event.project);
    const size = sizes.get(event.id) ?? nothing;
    const change = event.noun === "instance" ? changeBy(event) : 0;
    if (change !== 0) used.set(event.project, plus(after, size, change === 1 ? -1 : 1));
    return { event, after, isCreate: change === 1 };
  });
  const limits: Limits = new Map();
  return afterEach.toReversed().flatMap(({ event, after, isCreate }) => {
    if (event.noun === "quota") learn(limits, event.body);
    return isCreate ? exceeded(limits, event.project, after) : [];
  });
}

function changeBy({ event, body }: { readonly event: string; readonly body: object }): 1 | 0 | -1 {
  if (event === "deleted") return -1;
  return event === "accepted" && "command" in body && body.command === "create" ? 1 : 0;
}

function learn(limits: Limits, body: Readonly<Record<string, unknown>>): void {
  const project = typeof body.project === "string" ? body.project : everyProject;
  const known = limits.get(project) ?? {};
  const given = usedResources.flatMap((resource): [UsedResource, number | null][] => {
    const value = body[resource];
    return typeof value === "number" || value === null ? [[resource, value]] : [];
  });
  limits.set(project, { ...known, ...Object.fromEntries(given) });
}

/** What neither events nor a default tell of has no limit that could be judged. */
function exceeded(limits: Limits, project: string, has: QuotaUse): readonly string[] {
  return usedResources.flatMap((resource) => {
    const own = limits.get(project)?.[resource];
    const limit = own ?? limits.get(everyProject)?.[resource] ?? -1;
    if (limit < 0 || has[resource] <= limit) return [];
    return [`A create brought the project ${project} to ${has[resource]} ${resource} of ${limit}.`];
  });
}
