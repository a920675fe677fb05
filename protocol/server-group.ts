/**
 * Server groups: instances of one project that have to be on one host, or on different hosts. A hard policy
 * holds in the transaction that places a member; a soft policy is a preference of the scheduler.
 */
import { type Static, Type } from "@sinclair/typebox";
import { groupPolicies } from "./kinds.ts";
import { placementLimits } from "./limits/placement.ts";
import { answer, Id, Label, literals, nullable, pageRequest, request, TimeMs } from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

const maxPerHost = Type.Integer({ minimum: 1, maximum: placementLimits.groupMembersMax });

export const ServerGroup = answer({
  id: Id,
  project: Id,
  name: Label,
  policy: literals(groupPolicies),
  /** Most members on one host; null: one with anti-affinity, unlimited with every other policy. */
  maxPerHost: nullable(maxPerHost),
  /** Ids of the members that are not deleted; only the first placementLimits.groupMembersListedMax. */
  members: Type.Array(Id),
  createdAtMs: TimeMs,
});
export type ServerGroup = Static<typeof ServerGroup>;

const one = answer({ serverGroup: ServerGroup });

export const serverGroupService = service({
  noun: "server-group",
  version: "1.0.0",
  summary: "Instances that shall be together, or apart.",
  methods: {
    create: method({
      request: request({
        name: Label,
        policy: literals(groupPolicies),
        /** Allowed only with anti-affinity. */
        maxPerHost: Type.Optional(maxPerHost),
      }),
      answer: one,
      target: "collection",
      audience: "project",
      mutates: true,
      summary: "Makes a group without members; its name must be free in the project.",
    }),
    list: method({
      request: request({ ...pageRequest }),
      answer: answer({ serverGroups: Type.Array(ServerGroup), nextMarker: Type.Optional(Id) }),
      target: "collection",
      audience: "project",
      mutates: false,
      summary: "Lists the project's groups, oldest first. In the project admin: those of every project.",
    }),
    get: method({
      request: request({}),
      answer: one,
      target: "entity",
      audience: "project",
      mutates: false,
      summary: "Shows one group with its members, by id or by name.",
    }),
    delete: method({
      request: request({}),
      answer: one,
      target: "entity",
      audience: "project",
      mutates: true,
      summary: "Removes a group that has no members.",
    }),
  },
});
