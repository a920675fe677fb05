/**
 * Server groups: made by users for their own project, never changed, removed when they have no members. A
 * group of another project is not found (I12). Members are the instances that name the group.
 */
import { placementLimits } from "../../../protocol/limits/placement.ts";
import { type ServerGroup, serverGroup, type serverGroupService } from "../../../protocol/server-group.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import type { Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { ServerGroupRecord } from "../../records/catalog.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { fitting, jsonBytes } from "../request/page.ts";
import { shownRow } from "../request/rows.ts";
import { resourceHandlers } from "./resource-handlers.ts";

/** Groups read at once: each may list a thousand members, and an answer holds some ten thousand. */
const groupsReadAtOnce = 16;

export function serverGroupHandlers(options: CatalogOptions): Handlers<typeof serverGroupService> {
  const handlers = resourceHandlers(serverGroup, options, {
    join: (groups) => withMembers(groups, options),
    assertFree,
  });
  const { create, list, get, delete: remove } = handlers;
  return {
    ...{ list, get, delete: remove },
    create: (request, context) => {
      const { name, policy, maxPerHost = null } = request;
      if (maxPerHost !== null && policy !== "anti-affinity")
        throw faulty("maxPerHost", "goes with the policy anti-affinity only");
      return create({ name, policy, maxPerHost }, { request, context, told: { policy } });
    },
  };
}

/**
 * The first groups, as many as one answer holds; reads some at once, and stops when these fill the answer.
 */
async function withMembers(
  groups: readonly ServerGroupRecord[],
  { store }: CatalogOptions,
): Promise<readonly ServerGroup[]> {
  const view = async (group: ServerGroupRecord): Promise<ServerGroup> => {
    const members = await store.serverGroups.members(group.id, placementLimits.groupMembersListedMax);
    return { ...shownRow<typeof serverGroup>(group), members: members.map(({ instanceId }) => instanceId) };
  };
  const seen: ServerGroup[] = [];
  for (let from = 0; from < groups.length; from += groupsReadAtOnce) {
    seen.push(...(await Promise.all(groups.slice(from, from + groupsReadAtOnce).map(view))));
    if (fitting(seen, jsonBytes).length < seen.length) break;
  }
  return seen;
}

function assertFree({ name, members: { length } }: ServerGroup): void {
  if (length === 0) return;
  const members = `${length} ${length === 1 ? "member" : "members"}`;
  throw new StatusError("inUse", `The group ${name} has ${members}.`);
}
