/**
 * The services of plug-ins, ready for the controller's server: their handlers with what they may use, and
 * their errors with the plug-in's name. The server does the rest as for our own: rights, validation,
 * admission, deadlines, discovery. A handler that never ends keeps its place until it does, and is answered
 * for at its deadline.
 */

import { withRawMethods } from "../../../protocol/raw-rows.ts";
import type { Implementation } from "../../../protocol/wire/endpoints.ts";
import { isReason } from "../../../protocol/wire/reasons.ts";
import type { Resource } from "../../../protocol/wire/resource.ts";
import { ErrorAnswer } from "../../../protocol/wire/schema.ts";
import type { CallContext, Service } from "../../../protocol/wire/service.ts";
import { type PeerError, StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import { validatorOf } from "../../../protocol/wire/validate.ts";
import { newRow, resourceHandlers } from "../catalog/resource-handlers.ts";
import { type CatalogOptions, catalogCommit, commitOnce, unlessAnswered } from "../request/commit-once.ts";
import { actionHandler } from "./actions.ts";
import type { ExtensionTools, NamedExtensions, OwnEvent } from "./definition.ts";
import type { OwnService } from "./in-process.ts";
import { ownCommit, pluginFailed, type Territory } from "./own-commit.ts";
import { checkedReads, ownRows } from "./own-rows.ts";
import { rawHandlers } from "./raw-rows.ts";
import { seenHosts, seenInstances } from "./seen.ts";

export interface ExtensionOptions extends CatalogOptions {
  readonly log: Log;
  /** The services of instances and of hosts. */
  readonly instance: OwnService;
  readonly host: OwnService;
}

/** The services of all plug-ins. */
export const extensionServices = (
  plugins: readonly NamedExtensions[],
  options: ExtensionOptions,
): readonly Implementation[] => plugins.flatMap((plugin) => servicesOf(plugin, options));

function servicesOf(plugin: NamedExtensions, options: ExtensionOptions): readonly Implementation[] {
  const { resources = [], services = [], actions = [] } = plugin.parts;
  const tools = toolsOf(territoryOf(plugin), options);
  const catalog = { ...options, commit: ownCommit(territoryOf(plugin), options.commit) };
  return [
    ...services.map(({ service, handlers }) => {
      const resource = resources.find(({ noun }) => noun === service.noun);
      const raw = resource === undefined ? {} : rawHandlers(resource, catalog);
      const all = { ...raw, ...handlers(tools) };
      return implementation(plugin.name, withRawMethods(service, resources), all);
    }),
    ...actions.map(({ on, service, handlers }) => {
      const own = options[on];
      const bound = Object.entries(handlers).map(
        ([name, handler]) =>
          [name, actionHandler({ on, own, name, service, handler, tools, catalog })] as const,
      );
      return implementation(plugin.name, service, Object.fromEntries(bound));
    }),
  ];
}

/** Their resources of which a project may have only so many. */
export const limitedExtensions = (plugins: readonly NamedExtensions[]): readonly Resource[] =>
  plugins.flatMap(({ parts: { resources = [] } }) => resources.filter(({ limit }) => limit !== undefined));

export function territoryOf({ name, parts }: NamedExtensions): Territory {
  const { resources = [], services = [], actions = [] } = parts;
  const nouns = [...resources, ...[...services, ...actions].map(({ service }) => service)];
  return { plugin: name, resources, nouns: new Set(nouns.map(({ noun }) => noun)) };
}

function toolsOf(territory: Territory, options: ExtensionOptions): ExtensionTools {
  const { store, clock, ids } = options;
  const { plugin } = territory;
  const log = named(options.log, plugin);
  const world = { territory, rows: store.rows, log };
  const own = {
    ...options,
    store: { ...storeParts(store), rows: checkedReads(world) },
    commit: ownCommit(territory, options.commit),
  };
  return {
    ...{ plugin, clock, ids, log },
    rows: ownRows(world),
    instances: seenInstances(options.instance),
    hosts: seenHosts(options.host),
    resource: <R extends Resource>(resource: R, peculiar = {}) => resourceHandlers(resource, own, peculiar),
    newRow: (resource, context, fields) => newRow(resource, context, fields, own),
    commit: (method, { request, context }, { rows = [], events = [] }, answer) => {
      const cause = { request, context, options: own };
      return unlessAnswered(method, cause, () => {
        const about = catalogCommit(method, { noun: "", id: "", event: "", body: {} }, cause);
        const told = events.map((event) => toldEvent(event, about.events[0]));
        return commitOnce({ ...about, rows, events: told }, answer, own);
      });
    },
  };
}

/** The ports of a store are made once, and may be fields of a class. */
const storeParts = ({ hosts, operations, aggregates, serverGroups, quotas }: CatalogOptions["store"]) => ({
  ...{ hosts, operations, aggregates, serverGroups, quotas },
});

type Told = ReturnType<typeof catalogCommit>["events"][number];

/** With the time and the request of the commit; without a project it is the operators'. */
function toldEvent(event: OwnEvent, frame: Told | undefined): Told {
  if (frame === undefined) throw new StatusError("internal", "A commit has no frame for its events.");
  return { ...frame, ...event };
}

/** Each line of the log names the plug-in. */
const named = (log: Log, plugin: string): Log => ({
  debug: (fields, message) => log.debug({ ...fields, plugin }, message),
  info: (fields, message) => log.info({ ...fields, plugin }, message),
  warn: (fields, message) => log.warn({ ...fields, plugin }, message),
  error: (fields, message) => log.error({ ...fields, plugin }, message),
});

type AnyHandlers = Implementation["handlers"];

function implementation(plugin: string, service: Service, handlers: AnyHandlers): Implementation {
  const all = Object.entries(handlers).map(
    ([name, handler]) => [name, guarded(plugin, `${service.noun}.${name}`, handler)] as const,
  );
  return { service, handlers: Object.fromEntries(all) };
}

/** What a handler throws that is no error of ours or of the plug-in is the plug-in's failure, by name. */
function guarded(plugin: string, name: string, handler: AnyHandlers[string]): AnyHandlers[string] {
  return async (request: never, context: CallContext) => {
    try {
      return await handler(request, context);
    } catch (thrown) {
      throw refusalIn(plugin, thrown) ?? pluginFailed(plugin, `${name} threw ${textOf(thrown)}`, thrown);
    }
  };
}

/** An error that a handler may throw; a plug-in with a copy of novact of its own has another class for it. */
function refusalIn(plugin: string, thrown: unknown): StatusError | undefined {
  const error = thrown instanceof StatusError ? thrown : copyOf(thrown);
  if (error === undefined) return undefined;
  return isReason(error.reason) || error.reason.startsWith(`${plugin}.`) ? error : undefined;
}

function copyOf(thrown: unknown): StatusError | undefined {
  if (!(thrown instanceof Error) || thrown.name !== "StatusError" || !("toBody" in thrown)) return undefined;
  const body: unknown = typeof thrown.toBody === "function" ? thrown.toBody() : undefined;
  return errorBody.accepts(body) ? StatusError.fromBody(body as PeerError) : undefined;
}

const errorBody = validatorOf(ErrorAnswer);

const textOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : typeof thrown);
