/**
 * What is wrong with the extensions of a plug-in, as it is loaded: names that are taken, what a resource of a
 * plug-in cannot have, methods that cannot be. Each fault is the rest of a sentence about the plug-in. Pure.
 */
import type { ExtensionParts } from "../../actors/control/extensions/definition.ts";
import { extensionLimits } from "../../actors/control/extensions/limits.ts";
import { resources as ourResources } from "../../protocol/resources.ts";
import { services as ourServices } from "../../protocol/services.ts";
import { limitNameOf, type Resource } from "../../protocol/wire/resource.ts";
import type { Method, Service } from "../../protocol/wire/service.ts";

/** Who has a noun already, in words; undefined: nobody. */
export type NounOwner = (noun: string) => string | undefined;

const token = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const word = /^[a-z][A-Za-z0-9]{0,62}$/;

/** Nouns of the product: services, events that have none, and the first words of its commands. */
export const takenWords: ReadonlySet<string> = new Set([
  ...Object.values<Service>(ourServices).map(({ noun }) => noun),
  ...Object.values<Resource>(ourResources).map(({ noun }) => noun),
  ...["recovery", "actor", "report", "host-agent"],
  ...[
    "chaos",
    "completion",
    "debug",
    "group",
    "help",
    "launch",
    "logs",
    "plugin",
    "rebalance",
    "up",
    "version",
  ],
]);

/** @param taken who of the plug-ins before it has a noun */
export function extensionFaults(
  plugin: string,
  { resources = [], services = [], actions = [], facts }: ExtensionParts,
  taken: NounOwner,
): readonly string[] {
  const all = [...services, ...actions].map(({ service }) => service);
  const nouns = new Set([...resources, ...all].map(({ noun }) => noun));
  const doubled = [resources, all].flatMap((list) => twice(list.map(({ noun }) => noun)));
  const strange = facts?.from.filter((one) => !resources.includes(one)).map(({ noun }) => noun) ?? [];
  return [
    ...strange.map((noun) => `its facts come from ${noun}, which is not in its resources`),
    ...(nouns.size > extensionLimits.nounsMax ? [`has more than ${extensionLimits.nounsMax} nouns`] : []),
    ...[...nouns].flatMap((noun) => nounFaults(noun, taken)),
    ...doubled.map((noun) => `has the noun ${noun} twice`),
    ...resources.flatMap((one) => resourceFaults(plugin, one)),
    ...twice([...new Map(resources.map((one) => [one.noun, one])).values()].map(limitNameOf)).map(
      (name) => `has two resources whose quotas are called ${name}`,
    ),
    ...services.flatMap(({ service }) => serviceFaults(service)),
    ...actions.flatMap(({ service, on, handlers }) => [
      ...serviceFaults(service),
      ...actionFaults(service, on, handlers),
    ]),
  ];
}

const twice = (names: readonly string[]): readonly string[] => [
  ...new Set(names.filter((name, at) => names.indexOf(name) < at)),
];

function nounFaults(noun: string, taken: NounOwner): readonly string[] {
  if (!token.test(noun) || noun.length > extensionLimits.nounLengthMax)
    return [
      `has the noun ${noun}: a noun is lower-case words joined by hyphens, at most ${extensionLimits.nounLengthMax} characters`,
    ];
  const owner = takenWords.has(noun) ? "novact" : taken(noun);
  return owner === undefined ? [] : [`has the noun ${noun}, which ${owner} has already`];
}

/** Fields that every row has, and those that an object has without being asked. */
const reserved: ReadonlySet<string> = new Set([
  ...["id", "project", "user", "number", "name", "createdAtMs", "version", "uniqueName"],
  ...["constructor", "toString", "valueOf", "hasOwnProperty"],
]);

function resourceFaults(plugin: string, resource: Resource): readonly string[] {
  const { noun, uses = {}, fields, limit, owner, one, many } = resource;
  const about = `its resource ${noun}`;
  const strange = Object.keys(fields).find((field) => !word.test(field) || reserved.has(field));
  return [
    ...(resource.plugin === plugin ? [] : [`has a resource, ${noun}, without plugin: "${plugin}"`]),
    ...(Object.keys(uses).length === 0
      ? []
      : [`${about} uses ${Object.values(uses).join(", ")}: a resource of a plug-in has no references`]),
    ...(strange === undefined ? [] : [`${about} has the field ${strange}, which is no name for one`]),
    ...(word.test(one) && word.test(many) ? [] : [`${about} needs words for one and for many`]),
    ...(limit !== undefined && owner === "cell" ? [`${about} has a limit, but no project owns it`] : []),
    ...(limit?.of === "user" && owner !== "user" ? [`${about} has a limit for users, but none owns it`] : []),
  ];
}

function serviceFaults({ noun, methods, peers }: Service): readonly string[] {
  return [
    ...(peers === true ? [`its service ${noun} says that it is between peers; clients call it`] : []),
    ...Object.entries(methods).flatMap(([name, method]) => methodFaults(`${noun}.${name}`, name, method)),
  ];
}

/** Options that every command has: a field's option of the same name would hide them. */
const globalOptions: ReadonlySet<string> = new Set([
  ...["requestId", "project", "config", "json", "help", "timeout", "output", "version"],
]);

function methodFaults(
  called: string,
  name: string,
  { request, target, audience }: Method,
): readonly string[] {
  const clash = Object.keys(request.properties ?? {}).find((field) => globalOptions.has(field));
  const open = request.type !== "object" || request.additionalProperties !== false;
  return [
    ...(word.test(name) ? [] : [`its method ${called} has a name that is no word`]),
    ...(open ? [`its method ${called} takes unknown fields: make its request with request({ … })`] : []),
    ...(clash === undefined
      ? []
      : [`its method ${called} has the field ${clash}, which is an option of every command`]),
    ...(target === "entity" || target === "collection" ? [] : [`its method ${called} has no target`]),
    ...(audience === "project" || audience === "admin" ? [] : [`its method ${called} has no audience`]),
  ];
}

function actionFaults({ noun, methods }: Service, on: string, handlers: object): readonly string[] {
  return Object.entries(methods).flatMap(([name, { target, audience }]) => [
    ...(target === "entity" ? [] : [`its action ${noun}.${name} needs the target entity: an ${on}`]),
    ...(on === "host" && audience !== "admin"
      ? [`its action ${noun}.${name} is on hosts, and needs the audience admin`]
      : []),
    ...(Object.hasOwn(handlers, name) ? [] : [`its action ${noun}.${name} has no handler`]),
  ]);
}
