/**
 * What is asked for groups, quotas, aggregates and evacuations of a plan: the method, whom it is about, and
 * the request. Pure.
 */
import { resourceServices } from "../../protocol/resources.ts";
import type { Service } from "../../protocol/wire/service.ts";
import { sampleOf } from "../support/samples.ts";
import { imageCall, isOfImages } from "./client-images.ts";
import { isOfNetworks, networkCall } from "./client-networks.ts";
import { reachedCall } from "./client-reached.ts";
import { isOfRouters, routerCall } from "./client-routers.ts";
import { isOfVolumes, type OfVolumes, type VolumeThings, volumeCall } from "./client-volumes.ts";
import type { CommandKind, PlannedCommand } from "./plan.ts";
import type { ExtensionCommand } from "./plan-extensions.ts";
import type { ImageCommand } from "./plan-images.ts";
import type { NetworkCommand } from "./plan-networks.ts";
import { type ReachedCommand, reachedCommands } from "./plan-reached.ts";
import type { RouterCommand } from "./plan-routers.ts";
import {
  aggregateName,
  groupName,
  type PlannedRequest,
  quotaTargets,
  resourceCommands,
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
} as const satisfies Record<
  Exclude<
    SurroundingCommand,
    | (ResourceCommand | ExtensionCommand | NetworkCommand | RouterCommand | ReachedCommand)
    | (ImageCommand | OfVolumes)
  >,
  string
>;

type ResourceCommand = (typeof resourceCommands)[number];

const isOfResource = (command: SurroundingCommand): command is ResourceCommand =>
  resourceCommands.some((one) => one === command);

/** They need each other, and have commands of their own. */
const ofNetworks: ReadonlySet<string> = new Set([
  ...["network", "subnet", "port", "published-port", "security-group", "security-group-rule"],
  ...["router", "floating-ip", "image", "volume"],
]);

/** The resources that a client can make by a request alone, with no file behind it. */
const makable = Object.values<Service>(resourceServices).filter(
  ({ noun, methods }) => methods.create !== undefined && !ofNetworks.has(noun),
);

/** Few names for each, so that they collide; a name that a subject cannot hold is never asked for. */
function resourceCall(command: ResourceCommand, target: number): SurroundingCall {
  const service = makable[target % makable.length];
  if (service === undefined) throw new Error("No resource can be made.");
  const name = `row-${Math.floor(target / makable.length) % 4}`;
  const noun = service.noun;
  if (command === "resourceList") return { method: `${noun}.list`, id: "", request: { name } };
  if (command === "resourceDelete") return { method: `${noun}.delete`, id: name, request: {} };
  const create = service.methods.create;
  const request = create === undefined ? {} : sampleOf(create.request);
  return { method: `${noun}.create`, id: "", request: { ...request, name } };
}

type Planned = PlannedCommand & { readonly command: Exclude<SurroundingCommand, ExtensionCommand> };

export const isSurrounding = (command: CommandKind): command is SurroundingCommand =>
  surroundingCommands.some((one) => one === command);

/** Ids of what a client has, of which a call may be. */
interface OwnThings {
  readonly instance?: string | undefined;
  readonly floating?: readonly string[];
  /** Those of everybody. */
  readonly images?: readonly string[];
  readonly volumed?: VolumeThings;
}

const isReached = (command: SurroundingCommand): command is ReachedCommand =>
  reachedCommands.some((one) => one === command);
/** A call about a floating address of a client without floating addresses. */
const nothing: SurroundingCall = { method: "", id: undefined, request: {} };

/** `instances`: those of all projects, from which operators choose one to evacuate. */
export function surroundingCall(
  planned: PlannedCommand,
  instances: readonly { readonly id: string }[],
  own: OwnThings = {},
): SurroundingCall {
  const { command, target, request = {} } = planned as Planned;
  if (isOfResource(command)) return resourceCall(command, target);
  if (isOfNetworks(command)) return networkCall(command, target, own.instance);
  if (isOfImages(command)) return imageCall(command, target, own.images ?? []);
  if (isOfVolumes(command)) return own.volumed ? volumeCall(command, target, own.volumed) : nothing;
  const { floating = [] } = own;
  if (isReached(command)) return reachedCall(target, floating) ?? nothing;
  if (isOfRouters(command))
    return routerCall(command, target, floating[target % Math.max(1, floating.length)]);
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
