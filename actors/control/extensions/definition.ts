/**
 * What a plug-in adds to the API, as its author writes it: resources with rows of their own, services on
 * them, actions on instances and hosts, and facts for the scheduler. Its handlers get what is here and never
 * the store: rows of their own nouns, one way to commit, a clock, ids and a log. Types, and functions that
 * only bind them.
 */
import type { Host } from "../../../protocol/host.ts";
import type { Instance } from "../../../protocol/instance.ts";
import type { Resource, ResourceRow, RowOf } from "../../../protocol/wire/resource.ts";
import type {
  AnswerOf,
  CallContext,
  Handlers,
  Method,
  RequestOf,
  Service,
} from "../../../protocol/wire/service.ts";
import type { Clock, Ids, Log } from "../../../protocol/wire/transport.ts";
import type { RowChange } from "../../records/rows.ts";
import type { Asked, Peculiar, ResourceHandlers } from "../catalog/resource-handlers.ts";

/** What a plug-in changes with one request: rows of its own, and what is told of them. */
export interface OwnChanges {
  readonly rows?: readonly RowChange[];
  readonly events?: readonly OwnEvent[];
}

export interface OwnEvent {
  /** A noun of the plug-in; or `instance` or `host`: then `event` begins with the plug-in and a hyphen. */
  readonly noun: string;
  readonly id: string;
  /** Letters, digits, - and _: it is the last word of a subject. `acme-cordoned`. */
  readonly event: string;
  /** Whose event it is. Absent: the operators'. */
  readonly project?: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Reads of the plug-in's own rows, within what the caller may see. A row that cannot be read is left out. */
export interface OwnRows {
  /** By id or name. @throws notFound; ambiguous; unreadableRow */
  find<R extends Resource>(resource: R, context: CallContext, key: string): Promise<RowOf<R>>;
  /** In order of id, at most `limit`. */
  list<R extends Resource>(
    resource: R,
    context: CallContext,
    query: { readonly limit: number; readonly marker?: string; readonly name?: string },
  ): Promise<readonly RowOf<R>[]>;
}

/** An instance or a host as the caller sees it. */
export interface Seen<T> {
  /** By id or name. @throws the notFound of its noun; ambiguous; adminOnly of hosts */
  get(context: CallContext, key: string): Promise<T>;
  /** A page of those that the caller sees; `request` as of the method `list`. */
  list(
    context: CallContext,
    request: object,
  ): Promise<{ readonly rows: readonly T[]; readonly nextMarker?: string }>;
}

/** What every handler of a plug-in has beside its request. */
export interface ExtensionTools {
  readonly plugin: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly rows: OwnRows;
  readonly instances: Seen<Instance>;
  readonly hosts: Seen<Host>;
  /** list, get and delete of a resource, and the frames of create and change: as of our own resources. */
  resource<R extends Resource>(resource: R, peculiar?: Peculiar<R>): ResourceHandlers<R>;
  /** A new row of the caller's; it is not there before it is committed. */
  newRow<R extends Resource>(
    resource: R,
    context: CallContext,
    fields: object,
  ): Promise<RowOf<R> & ResourceRow>;
  /**
   * Commits once for each request id, and answers; a repeated request gets the first answer. `method` as in
   * `signal-flag.raise`. @throws nameTaken, quotaExceeded, requestIdReused, generationConflict
   */
  commit<A>(method: string, asked: Asked, changes: OwnChanges, answer: A): Promise<A>;
}

/** A service of a plug-in. What it only reads is a query: a method with `mutates: false`. */
export interface ExtensionService {
  readonly service: Service;
  readonly handlers: (tools: ExtensionTools) => Readonly<Record<string, AnyHandler>>;
}

type AnyHandler = (request: never, context: CallContext) => Promise<unknown>;

/** Binds handlers to a plug-in's service; one that is missing, or of another type, does not compile. */
export const extensionService = <M extends Record<string, Method>>(
  service: Service<M>,
  handlers: (tools: ExtensionTools) => Handlers<Service<M>>,
): ExtensionService => ({ service, handlers });

/** What an action on an instance or a host is called with. */
export interface Acting<Q, T> {
  readonly request: Q;
  readonly context: CallContext;
  /** The instance or host, as the caller sees it now. */
  readonly target: T;
  readonly tools: ExtensionTools;
  /**
   * Gives the target a command of its own service (`stop`, `set`, …), with the caller's rights. A repeated
   * action repeats the command with the same request id, so that it happens once.
   */
  readonly command: (method: string, request?: object) => Promise<unknown>;
}

/** What an action answers, and what is committed with its request id: an event about the target, and rows. */
export interface Outcome<A> {
  readonly answer: A;
  readonly event?: { readonly event: string; readonly body: Readonly<Record<string, unknown>> };
  readonly rows?: readonly RowChange[];
}

type ActionHandlers<M, T> = {
  readonly [K in keyof M]: (acting: Acting<RequestOf<M[K]>, T>) => Promise<Outcome<AnswerOf<M[K]>>>;
};

/** Methods of the target `entity`, whose ids are those, or names, of instances or hosts. */
export interface ExtensionActions {
  readonly on: "instance" | "host";
  readonly service: Service;
  readonly handlers: Readonly<Record<string, (acting: never) => Promise<Outcome<unknown>>>>;
}

type EntityMethods = Record<string, Method & { readonly target: "entity" }>;

export const instanceActions = <M extends EntityMethods>(
  service: Service<M>,
  handlers: ActionHandlers<M, Instance>,
): ExtensionActions => ({ on: "instance", service, handlers });

/** For operators only: every method has the audience `admin`. */
export const hostActions = <M extends EntityMethods>(
  service: Service<M>,
  handlers: ActionHandlers<M, Host>,
): ExtensionActions => ({ on: "host", service, handlers });

/** What facts are made of. */
export interface FactsInput {
  /** Rows of the resources in `from`, by noun; at most extensionLimits.factsRowsMax of each. */
  readonly rows: Readonly<Record<string, readonly ResourceRow[]>>;
  readonly hosts: readonly { readonly id: string; readonly name: string }[];
  /** Wall clock. */
  readonly nowMs: number;
}

/** What a plug-in's filters and weighers know of hosts: `host.facts[plugin]`. */
export interface ExtensionFacts {
  /** The plug-in's own resources that the facts come from. */
  readonly from: readonly Resource[];
  /** Pure: for each host's id that there is something to say of, a small JSON value. */
  of(input: FactsInput): Readonly<Record<string, unknown>>;
}

export interface ExtensionParts {
  readonly resources?: readonly Resource[];
  readonly services?: readonly ExtensionService[];
  readonly actions?: readonly ExtensionActions[];
  readonly facts?: ExtensionFacts;
}

/** The extensions of one plug-in. */
export interface NamedExtensions {
  readonly name: string;
  readonly parts: ExtensionParts;
}
