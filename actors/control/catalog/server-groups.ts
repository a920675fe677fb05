/**
 * Server groups: made by users for their own project, never changed, removed when they have no members. A
 * group of another project is not found (I12). Members are the instances that name the group.
 */
import { placementLimits } from "../../../protocol/limits/placement.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { ServerGroup, serverGroupService } from "../../../protocol/server-group.ts";
import type { CallContext, Handlers } from "../../../protocol/wire/service.ts";
import { faulty, StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { ServerGroupRecord } from "../../records/placement.ts";
import { type CatalogOptions, catalogCommit, commitOnce, unlessAnswered } from "../request/commit-once.ts";
import { fitting, jsonBytes, nextMarker } from "../request/page.ts";
import { scopeOf } from "../request/tenancy.ts";

/** Groups read at once: each may list a thousand members, and an answer holds some ten thousand. */
const groupsReadAtOnce = 16;

export function serverGroupHandlers(options: CatalogOptions): Handlers<typeof serverGroupService> {
  const { store, ids, clock } = options;
  const view = async (group: ServerGroupRecord): Promise<ServerGroup> => {
    const members = await store.listGroupMembers(group.id, placementLimits.groupMembersListedMax);
    return { ...group, members: members.map(({ instanceId }) => instanceId) };
  };
  /**
   * The first groups, as many as one answer holds; reads some at once, and stops when these fill the answer.
   */
  const views = async (groups: readonly ServerGroupRecord[]): Promise<readonly ServerGroup[]> => {
    const seen: ServerGroup[] = [];
    for (let from = 0; from < groups.length; from += groupsReadAtOnce) {
      seen.push(...(await Promise.all(groups.slice(from, from + groupsReadAtOnce).map(view))));
      if (fitting(seen, jsonBytes).length < seen.length) break;
    }
    return fitting(seen, jsonBytes);
  };
  return {
    create: async (request, context) => {
      const { name, policy, maxPerHost = null } = request;
      if (maxPerHost !== null && policy !== "anti-affinity")
        throw faulty("maxPerHost", "goes with the policy anti-affinity only");
      const { project } = context;
      const group = { id: ids.next(), project, name, policy, maxPerHost, createdAtMs: clock.nowMs() };
      const about = { noun: "server-group", id: group.id, project, event: "created", body: { name, policy } };
      const commit = catalogCommit("server-group.create", about, { request, context, options });
      const answer = { serverGroup: { ...group, members: [] } };
      const counted = [{ project, most: placementLimits.serverGroupsPerProjectMax }];
      const changes = { serverGroups: [group], serverGroupsCounted: counted, ...commit };
      return commitOnce(changes, answer, options);
    },
    list: async (request, context) => {
      const limit = request.limit ?? wireLimits.pageLengthDefault;
      const found = await store.listServerGroups({ ...request, ...scopeOf(context), limit });
      const serverGroups = await views(found);
      return { serverGroups: [...serverGroups], ...nextMarker(serverGroups, limit, found.length) };
    },
    get: async (_request, context) => ({ serverGroup: await view(await find(context, options)) }),
    delete: async (request, context) => {
      const cause = { request, context, options };
      return unlessAnswered("server-group.delete", cause, async () => {
        const group = await find(context, options);
        const serverGroup = await view(group);
        const { length } = serverGroup.members;
        if (length > 0)
          throw new StatusError(
            "inUse",
            `The group ${group.name} has ${length} ${length === 1 ? "member" : "members"}.`,
          );
        const { id, project, name } = group;
        const about = { noun: "server-group", id, project, event: "deleted", body: { name } };
        const commit = catalogCommit("server-group.delete", about, cause);
        return commitOnce({ serverGroupsRemoved: [id], ...commit }, { serverGroup }, options);
      });
    },
  };
}

/** Operators reach the groups of all projects by their ids, and by name those of their own. */
async function find({ id, project }: CallContext, { store }: CatalogOptions): Promise<ServerGroupRecord> {
  const own = await store.getServerGroup(id, project);
  const group = own ?? (project === adminProject ? await store.getServerGroup(id) : undefined);
  if (group === undefined) throw new StatusError("serverGroupNotFound", `There is no server group ${id}.`);
  return group;
}
