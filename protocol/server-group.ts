/**
 * Server groups: instances of one project that shall be on one host, or on different ones. A hard rule holds
 * in the transaction that places a member; a soft one is the scheduler's preference.
 */
import { type Static, Type } from "@sinclair/typebox";
import { groupPolicies } from "./kinds.ts";
import { limits } from "./limits/limits.ts";
import { answer, Id, Label, literals, nullable, pageRequest, request, TimeMs } from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

const maxPerHost = Type.Integer({ minimum: 1, maximum: limits.groupMembersMax });

export const ServerGroup = answer({
  id: Id,
  project: Id,
  name: Label,
  policy: literals(groupPolicies),
  /** Members on one host, at most; null: one with anti-affinity, any number else. */
  maxPerHost: nullable(maxPerHost),
  /** Its instances that are not deleted, by id; the first limits.groupMembersListedMax of them. */
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
        /** Only with anti-affinity. */
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
