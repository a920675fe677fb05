/**
 * Security groups and their rules: made and changed by their projects. A group goes with its rules, but for
 * the project's group `default`, which stays.
 */
import {
  defaultGroupName,
  type SecurityGroup,
  securityGroup,
  securityGroupRule,
  type securityGroupRuleService,
  type securityGroupService,
} from "../../../../protocol/security-group.ts";
import type { CallContext, Handlers } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { type DefaultGroups, defaultGroupIdOf, rulesMade } from "../../networking/default-group.ts";
import { matchOf, ruleInWords, usualRules } from "../../networking/rules.ts";
import type { CatalogOptions } from "../../request/commit-once.ts";
import { rowRemoved } from "../../request/row-changes.ts";
import { findOwnRow, referringTo } from "../../request/rows.ts";
import { resourceHandlers } from "../resource-handlers.ts";

export interface GroupOptions extends CatalogOptions {
  readonly defaultGroups: DefaultGroups;
}

export function securityGroupHandlers(options: GroupOptions): Handlers<typeof securityGroupService> {
  const { rows } = options.store;
  const handlers = resourceHandlers(securityGroup, options, {
    assertFree,
    held: "Ports have the group, or rules of another group name it.",
    goesToo: async ({ id }) => {
      const rules = await referringTo(securityGroupRule, { groupId: [id] }, rows);
      return rules.map((rule) => rowRemoved(securityGroupRule, rule));
    },
  });
  const { create, change, list, get, delete: remove } = handlers;
  /** What keeps the group from being made, such as a full disk, keeps nobody from reading the others. */
  const withDefault = (context: CallContext) => options.defaultGroups.of(context.project).catch(isStatus);
  return {
    delete: remove,
    list: async (request, context) => {
      await withDefault(context);
      return list(request, context);
    },
    get: async (request, context) => {
      await withDefault(context);
      return get(request, context);
    },
    create: (request, context) => {
      const { name, description = null } = request;
      assertFreeName(name);
      const also = ({ id: groupId, project }: { readonly id: string; readonly project: string }) =>
        rulesMade({ project, groupId }, usualRules, options);
      return create({ name, description }, { request, context, also });
    },
    set: (request, context) =>
      change("set", { request, context }, async (before) => {
        const { name = before.name } = request;
        if (isDefault(before) && name !== before.name)
          throw new StatusError("inUse", `The group ${defaultGroupName} of a project keeps its name.`);
        if (!isDefault(before) && name !== before.name) assertFreeName(name);
        return { after: { ...before, ...request }, body: { ...request } };
      }),
  };
}

/** @throws what is no StatusError */
function isStatus(thrown: unknown): undefined {
  if (thrown instanceof StatusError) return undefined;
  throw thrown;
}

const isDefault = ({ id, project }: Pick<SecurityGroup, "id" | "project">): boolean =>
  id === defaultGroupIdOf(project);

/** @throws nameTaken */
function assertFreeName(name: string): void {
  if (name === defaultGroupName)
    throw new StatusError("nameTaken", `The name ${name} is that of the group that every project has.`);
}

function assertFree(group: SecurityGroup): void {
  if (isDefault(group)) throw new StatusError("inUse", `The group ${defaultGroupName} of a project stays.`);
}

export function securityGroupRuleHandlers(options: GroupOptions): Handlers<typeof securityGroupRuleService> {
  const {
    create,
    list,
    get,
    delete: remove,
  } = resourceHandlers(securityGroupRule, options, {
    taken: () => new StatusError("nameTaken", "The group has this rule already."),
  });
  const groupOf = async (key: string, context: CallContext) => {
    if (key === defaultGroupName) await options.defaultGroups.of(context.project);
    return findOwnRow(securityGroup, { ...context, id: key }, options.store.rows);
  };
  return {
    ...{ list, get, delete: remove },
    create: (request, context) => {
      const fields = async () => {
        const { id: groupId, project } = await groupOf(request.group, context);
        const remote =
          request.remoteGroup === undefined ? undefined : await groupOf(request.remoteGroup, context);
        const match = matchOf(request, remote?.id ?? null);
        return {
          ...match,
          groupId,
          project,
          name: ruleInWords(match),
          description: request.description ?? null,
        };
      };
      return create(fields, { request, context, told: { group: request.group } });
    },
  };
}
