/** The hard rules of server groups in memory, as group.sql has them. */
import { serverGroup } from "../../../protocol/server-group.ts";
import { groupedOf } from "../../rows/placement-changes.ts";
import type { Refusal, Tables, Work } from "../../rows/tables.ts";

/** After everything is written: where the members of a group are now, those of this commit included. */
export function applyGroups({ tables, commit }: Work): Refusal | undefined {
  const grouped = groupedOf(commit);
  for (const { instanceId, hostId, groupId } of grouped) {
    const group = tables.rowsOf(serverGroup).get(groupId);
    const others = placesOf(tables, groupId, instanceId);
    const here = others.filter((place) => place.hostId === hostId).length;
    const broken =
      (group?.policy === "anti-affinity" && here >= (group.maxPerHost ?? 1)) ||
      (group?.policy === "affinity" && others.length > here);
    if (broken) return { kind: "groupRule", hostId, groupId };
  }
  return undefined;
}

/** Once for each member and host: it is its host's, or, while it has none, where its claims are. */
export function placesOf(tables: Tables, groupId: string, except: string | undefined) {
  const members = membersOf(tables, groupId).filter(({ id }) => id !== except);
  const leaving = new Map<string, Set<string>>();
  for (const { id, hostId } of members) if (hostId === null) leaving.set(id, new Set());
  if (leaving.size > 0)
    for (const claim of tables.claims.values()) leaving.get(claim.instanceId)?.add(claim.hostId);
  return members.flatMap(({ id, hostId }) =>
    hostId === null ? [...(leaving.get(id) ?? [])].map((one) => ({ hostId: one })) : [{ hostId }],
  );
}

/** In order of their ids. */
export function membersOf(tables: Tables, groupId: string) {
  return [...tables.instances.values()].filter(
    (instance) => instance.serverGroupId === groupId && instance.deletedAtMs === null,
  );
}
