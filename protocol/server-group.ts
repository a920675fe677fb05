/**
 * Server groups: instances of one project that have to be on one host, or on different hosts. A hard policy
 * holds in the transaction that places a member; a soft policy is a preference of the scheduler.
 */
import { type Static, Type } from "@sinclair/typebox";
import { groupPolicies } from "./kinds.ts";
import { placementLimits } from "./limits/placement.ts";
import { kept, made, resource } from "./wire/resource.ts";
import { Id, literals, Name, nullable } from "./wire/schema.ts";
import { service } from "./wire/service.ts";

const maxPerHost = Type.Integer({ minimum: 1, maximum: placementLimits.groupMembersMax });

export const serverGroup = resource({
  noun: "server-group",
  one: "serverGroup",
  many: "serverGroups",
  owner: "project",
  makes: "project",
  sees: "project",
  name: Name,
  nameUnique: false,
  fields: {
    policy: literals(groupPolicies),
    /** Most members on one host; null: one with anti-affinity, unlimited with every other policy. */
    maxPerHost: nullable(maxPerHost),
  },
  /** Ids of the members that are not deleted; only the first placementLimits.groupMembersListedMax. */
  joined: { members: Type.Array(Id) },
  limit: { most: placementLimits.serverGroupsPerProjectMax, of: "project" },
});

export const ServerGroup = serverGroup.shape;
export type ServerGroup = Static<typeof ServerGroup>;

export const serverGroupService = service({
  noun: "server-group",
  version: "1.0.0",
  summary: "Instances that shall be together, or apart.",
  methods: {
    create: made(
      serverGroup,
      {
        policy: literals(groupPolicies),
        /** Allowed only with anti-affinity. */
        maxPerHost: Type.Optional(maxPerHost),
      },
      "Makes a group without members.",
    ),
    ...kept(serverGroup, {
      get: "Shows one group with its members, by id or by a name that only one has.",
      delete: "Removes a group that has no members.",
    }),
  },
});
