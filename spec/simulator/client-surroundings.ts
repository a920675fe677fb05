/**
 * What is asked for groups, quotas, aggregates and evacuations of a plan: the method, whom it is about, and
 * the request. Pure.
 */
import type { CommandKind, PlannedCommand } from "./plan.ts";
import {
  aggregateName,
  groupName,
  type PlannedRequest,
  quotaTargets,
  type SurroundingCommand,
  surroundingCommands,
} from "./plan-surroundings.ts";

export interface SurroundingCall {
  readonly method: string;
  /** Undefined: no instance exists yet that the call could name. */
  readonly id: string | undefined;
  readonly request: PlannedRequest;
}

const methods = {
  groupCreate: "server-group.create",
  groupDelete: "server-group.delete",
  quotaSet: "quota.set",
  aggregateCreate: "aggregate.create",
  aggregateSet: "aggregate.set",
  aggregateDelete: "aggregate.delete",
  hostAdd: "aggregate.addHost",
  hostRemove: "aggregate.removeHost",
  evacuate: "instance.evacuate",
  operatorLock: "instance.lock",
  operatorUnlock: "instance.unlock",
} as const satisfies Record<SurroundingCommand, string>;

type Planned = PlannedCommand & { readonly command: SurroundingCommand };

export const isSurrounding = (command: CommandKind): command is SurroundingCommand =>
  surroundingCommands.some((one) => one === command);

/** `instances`: those of all projects, from which operators choose one to evacuate. */
export function surroundingCall(
  planned: PlannedCommand,
  instances: readonly { readonly id: string }[],
): SurroundingCall {
  const { command, target, request = {} } = planned as Planned;
  const method = methods[command];
  switch (command) {
    case "groupCreate":
      return { method, id: "", request };
    case "groupDelete":
      return { method, id: groupName(target), request };
    case "aggregateCreate":
      return { method, id: "", request: { name: aggregateName(target), ...request } };
    case "quotaSet": {
      const project = quotaTargets[target % quotaTargets.length] ?? "default";
      return project === "default"
        ? { method: "quota.setDefault", id: "", request }
        : { method, id: project, request };
    }
    case "evacuate":
    case "operatorLock":
    case "operatorUnlock":
      return { method, id: instances[target % Math.max(1, instances.length)]?.id, request };
    default:
      return { method, id: aggregateName(target), request };
  }
}
