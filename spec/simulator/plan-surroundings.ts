/**
 * The part of a plan that is about where instances go: server groups, quotas, aggregates with their zones,
 * many instances at once, and guests that operators take away from fenced hosts. Each has a stream of chance
 * of its own, so that what seeds drew before these came stays what it was. Pure.
 */
import type { groupPolicies } from "../../protocol/kinds.ts";
import type { QuotaResource } from "../../protocol/quota.ts";
import type { RecoveryPolicy } from "../../protocol/states.ts";
import { bootCommands } from "./plan-boot-volumes.ts";
import { extensionCommands, extensionsOf } from "./plan-extensions.ts";
import { imageCommands, imagesOf, operatorImageCommands } from "./plan-images.ts";
import { networkCommands, networksOf } from "./plan-networks.ts";
import { reachedByOperators, reachedCommands } from "./plan-reached.ts";
import { externalCommands, routerCommands, routersOf } from "./plan-routers.ts";
import { copyCommands } from "./plan-volume-copies.ts";
import { volumeCommands } from "./plan-volumes.ts";
import type { Random } from "./random.ts";

// Types only: a mutant of the product must be in place before any of its code is loaded.
type GroupPolicy = (typeof groupPolicies)[number];
const policies = [
  "affinity",
  "anti-affinity",
  "soft-affinity",
  "soft-anti-affinity",
] as const satisfies readonly GroupPolicy[];
const recoveries = ["restart", "wait", "leave"] as const satisfies readonly RecoveryPolicy[];

/** What users ask for beside commands about instances. */
export const groupCommands = ["groupCreate", "groupDelete"] as const;
/** What only operators ask for. */
export const operatorCommands = [
  ...externalCommands,
  ...reachedByOperators,
  ...operatorImageCommands,
  "quotaSet",
  "aggregateCreate",
  "aggregateSet",
  "aggregateDelete",
  "hostAdd",
  "hostRemove",
  "evacuate",
  "operatorLock",
  "operatorUnlock",
] as const;
/** Of any resource: which, and how the row is called, follows from the target. */
export const resourceCommands = ["resourceCreate", "resourceDelete", "resourceList"] as const;
export const surroundingCommands = [
  ...groupCommands,
  ...operatorCommands,
  ...resourceCommands,
  ...extensionCommands,
  ...networkCommands,
  ...routerCommands,
  ...reachedCommands,
  ...imageCommands,
  ...volumeCommands,
  ...copyCommands,
  ...bootCommands,
] as const;
export type SurroundingCommand = (typeof surroundingCommands)[number];

/** Fields of a request, as the plan has them: they are sent as they are. */
export type PlannedRequest = Readonly<Record<string, unknown>>;

export interface PlannedSurrounding {
  readonly atMs: number;
  readonly client: number;
  readonly command: SurroundingCommand;
  /** Which group, project, aggregate or instance, around and around. */
  readonly target: number;
  readonly request?: PlannedRequest;
}

/** What is added to a create that was drawn before. */
export interface Wished {
  readonly request?: PlannedRequest;
  readonly count?: number;
  /** Which of the client's instances it shall share a host with, or not share one with. */
  readonly near?: number;
  readonly apart?: number;
}

export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly clients: number;
  readonly hosts: number;
}

/** Of projects; the clients' and, as the third, the default of all. */
export const quotaTargets = ["demo", "other", "default"] as const;
export const groupName = (target: number): string => `group-${target}`;
export const aggregateName = (target: number): string => `rack-${target % aggregatesMax}`;
const aggregatesMax = 3;
const zoneNames = ["zone-a", "zone-b"] as const;

interface Group {
  readonly name: string;
  readonly policy: GroupPolicy;
  readonly maxPerHost?: number;
}

export interface Surroundings {
  readonly commands: readonly PlannedSurrounding[];
  /** Called once for each create, in order. */
  wish(): Wished;
  /** Creates in one server group at the same moment, by clients chosen at random. */
  readonly races: readonly { readonly atMs: number; readonly client: number; readonly wished: Wished }[];
}

/** Swarm testing: each kind of command is in some runs, and absent from others. */
export function surroundingsOf(random: Random, span: Span): Surroundings {
  const groups = groupsOf(random.fork("groups"));
  const zoned = random.fork("zones").chance(0.3);
  const creates = random.fork("creates");
  const bulky = creates.chance(0.25);
  return {
    commands: [
      ...groupCommandsOf(random.fork("group commands"), groups, span),
      ...(random.fork("quotas").chance(0.3) ? quotasOf(random.fork("quota commands"), span) : []),
      ...(zoned ? zonesOf(random.fork("zone commands"), span) : []),
      ...(random.fork("resources").chance(0.3) ? resourcesOf(random.fork("resource commands"), span) : []),
      ...(random.fork("networks").chance(0.3) ? networkedOf(random, span) : []),
      ...(random.fork("images").chance(0.3) ? imagesOf(random.fork("image commands"), span) : []),
      ...(random.fork("extensions").chance(0.2) ? extensionsOf(random.fork("extension commands"), span) : []),
    ],
    wish: () => wished(creates, { groups, zoned, bulky }),
    races: groups.length === 0 ? [] : racesOf(random.fork("races"), groups, span),
  };
}

/** Half of the runs with networks have routers as well. */
const networkedOf = (random: Random, span: Parameters<typeof networksOf>[1]) => [
  ...networksOf(random.fork("network commands"), span),
  ...(random.fork("routers").chance(0.5) ? routersOf(random.fork("router commands"), span) : []),
];

function groupsOf(random: Random): readonly Group[] {
  const count = random.chance(0.6) ? 0 : random.whole(1, 3);
  return Array.from({ length: count }, (_, target): Group => {
    const policy = random.pick(policies);
    const many = policy === "anti-affinity" && random.chance(0.3) ? { maxPerHost: random.whole(1, 3) } : {};
    return { name: groupName(target), policy, ...many };
  });
}

const moment = (random: Random, { fromMs, untilMs }: Span): number =>
  Math.round(random.between(fromMs, untilMs));

/** Made at once, by the first client of each project; removed and made again while they are used. */
function groupCommandsOf(
  random: Random,
  groups: readonly Group[],
  span: Span,
): readonly PlannedSurrounding[] {
  const made = groups.flatMap(({ ...request }, target) =>
    Array.from({ length: Math.min(2, span.clients) }, (_, client): PlannedSurrounding => {
      return { atMs: span.fromMs, client, command: "groupCreate", target, request: { ...request } };
    }),
  );
  const again = Array.from({ length: groups.length === 0 ? 0 : random.whole(0, 4) }, () => {
    const target = random.whole(0, groups.length - 1);
    const about = { client: random.whole(0, span.clients - 1), target };
    const atMs = moment(random, span);
    const request = { ...groups[target] };
    return [
      { atMs, command: "groupDelete", ...about },
      { atMs: atMs + random.whole(0, 3_000), command: "groupCreate", ...about, request },
    ] as const satisfies readonly PlannedSurrounding[];
  });
  return [...made, ...again.flat()];
}

/** Set early, then raised and lowered, also below what is used, and taken away. */
function quotasOf(random: Random, span: Span): readonly PlannedSurrounding[] {
  return Array.from({ length: random.whole(1, 6) }, (_, index): PlannedSurrounding => {
    const resource = random.weighted({ instances: 3, vcpus: 1, memoryMib: 1, serverGroups: 1, keyPairs: 1 });
    const most = random.whole(0, 8) * (resource === "memoryMib" ? 128 : 1);
    const amount = random.weighted({ limit: 6, none: 1, unset: 1 });
    const given = { limit: most, none: -1, unset: null }[amount];
    return {
      atMs: index === 0 ? span.fromMs + random.whole(0, 3_000) : moment(random, span),
      client: 0,
      command: "quotaSet",
      target: random.whole(0, quotaTargets.length - 1),
      request: { [resource satisfies QuotaResource]: given },
    };
  });
}

/** Rows of all resources, few names: they are made twice, removed while they are made, and listed. */
function resourcesOf(random: Random, span: Span): readonly PlannedSurrounding[] {
  return Array.from(
    { length: random.whole(4, 40) },
    (): PlannedSurrounding => ({
      atMs: moment(random, span),
      client: random.whole(0, span.clients - 1),
      command: random.weighted({ resourceCreate: 6, resourceDelete: 3, resourceList: 1 }),
      target: random.whole(0, 59),
    }),
  );
}

/** Racks come and go, hosts move between them, and two of them may claim one host for their zones. */
function zonesOf(random: Random, span: Span): readonly PlannedSurrounding[] {
  const at = (atMs: number, command: SurroundingCommand, request: PlannedRequest): PlannedSurrounding => ({
    ...{ atMs, client: 0, command, target: random.whole(0, aggregatesMax - 1), request },
  });
  const zone = () => random.pick(zoneNames);
  const host = () => ({ host: `h${random.whole(1, span.hosts)}` });
  const made = Array.from({ length: random.whole(1, aggregatesMax) }, (_, target) => ({
    ...at(span.fromMs, "aggregateCreate", { availabilityZone: zone() }),
    target,
  }));
  const filled = Array.from({ length: span.hosts }, () =>
    at(span.fromMs + random.whole(0, 2_000), "hostAdd", host()),
  );
  const later = Array.from({ length: random.whole(2, 10) }, (): PlannedSurrounding => {
    const atMs = moment(random, span);
    const command = random.weighted({
      ...{ hostAdd: 4, hostRemove: 2, aggregateSet: 3, aggregateDelete: 1, aggregateCreate: 1 },
    });
    const changed = {
      availabilityZone: random.chance(0.2) ? null : zone(),
      metadata: { [`key-${random.whole(0, 3)}`]: random.chance(0.3) ? null : String(random.whole(0, 9)) },
    };
    if (command === "aggregateSet") return at(atMs, command, changed);
    if (command === "aggregateCreate") return at(atMs, command, { availabilityZone: zone() });
    return at(atMs, command, command === "aggregateDelete" ? {} : host());
  });
  return [...made, ...filled, ...later];
}

interface Wishing {
  readonly groups: readonly Group[];
  readonly zoned: boolean;
  readonly bulky: boolean;
}

function wished(random: Random, { groups, zoned, bulky }: Wishing): Wished {
  const group = random.chance(0.6) ? random.pick(groups)?.name : undefined;
  const many = bulky && random.chance(0.4) ? random.whole(2, 8) : undefined;
  const request = {
    ...(group === undefined ? {} : { serverGroup: group }),
    ...(zoned && random.chance(0.5) ? { availabilityZone: random.pick(zoneNames) } : {}),
    ...(many !== undefined && random.chance(0.6) ? { atLeast: random.whole(1, many) } : {}),
    ...(random.chance(0.15) ? { recovery: { policy: random.pick(recoveries) } } : {}),
  };
  return {
    ...(Object.keys(request).length === 0 ? {} : { request }),
    ...(many === undefined ? {} : { count: many }),
    ...(random.chance(0.05) ? { near: random.whole(0, 5) } : {}),
    ...(random.chance(0.05) ? { apart: random.whole(0, 5) } : {}),
  };
}

/** Within less time than a commit takes, so that every controller chooses by the same old picture. */
function racesOf(random: Random, groups: readonly Group[], span: Span): Surroundings["races"] {
  const moments = Array.from({ length: random.whole(0, 3) }, () => moment(random, span));
  return moments.flatMap((atMs) => {
    const request = { serverGroup: random.pick(groups)?.name };
    return Array.from({ length: random.whole(3, 8) }, () => ({
      atMs: atMs + random.whole(0, 30),
      client: random.whole(0, span.clients - 1),
      wished: { request },
    }));
  });
}

/** Operators who take guests away from hosts that are away for longer than a lease. */
export function evacuationsOf(
  random: Random,
  away: readonly { readonly atMs: number; readonly forMs: number }[],
): readonly PlannedSurrounding[] {
  if (random.chance(0.5)) return [];
  const lost = away.filter(({ forMs }) => forMs > leaseAndMoreMs);
  return lost.flatMap(({ atMs, forMs }) =>
    Array.from({ length: random.whole(1, 5) }, (): PlannedSurrounding => {
      const at = Math.round(random.between(atMs + leaseAndMoreMs, atMs + forMs + 2_000));
      return { atMs: at, client: 0, command: "evacuate", target: random.whole(0, 30) };
    }),
  );
}

/** Until a silent host is fenced. */
const leaseAndMoreMs = 12_500;
