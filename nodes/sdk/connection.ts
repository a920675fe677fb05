/**
 * The SDK on a connection: what `connect` answers, whoever found out where the cluster is. It runs in Node
 * and in browsers: nothing here, nor in what it imports, may use a module of Node's.
 */
/// <reference lib="esnext.disposable" preserve="true" />
import type { Interceptor } from "../../protocol/wire/client.ts";
import type { Encoding } from "../../protocol/wire/codec.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { connectNats } from "../bus/nats.ts";
import { adminUser, inboxPrefixOf } from "../bus/users.ts";
import { systemClock, systemIds } from "../process/clock.ts";
import { type ClientOf, type Clients, clientOf, createClients } from "./clients.ts";
import { createFollowers, type Followers } from "./follow.ts";
import { createImageTransfers, type ImageTransfers } from "./images.ts";

export interface Novact extends Clients, Followers, ImageTransfers, AsyncDisposable {
  readonly project: string;
  readonly cell: string;
  /** The client of a plug-in's service, by its definition: `novact.of(windowService).create({ … })`. */
  readonly of: ClientOf;
  /**
   * A new request id, for a caller that repeats requests itself: a request with the same id is executed only
   * once.
   */
  newRequestId(): string;
  /** Closes the connection. Until then it keeps the process alive. */
  close(): Promise<void>;
}

/** Options of `connect` that Node and browsers share. */
export interface CallerOptions {
  /** Interceptors around every call, the first one outermost; repetitions happen inside them. */
  readonly interceptors?: readonly Interceptor[];
  readonly encoding?: Encoding;
  /** How long to try to connect to the server. */
  readonly connectTimeoutMs?: number;
  readonly log?: Log;
}

/** Where a cluster is, and who we are there. */
export interface Place {
  /** Spelt out, and not by the bus' own type: the declarations of the SDK shall not need those of NATS. */
  readonly credentials: {
    readonly servers: readonly string[];
    readonly user?: string;
    readonly pass?: string;
    readonly inboxPrefix?: string;
  };
  readonly project: string;
  readonly cell: string;
  /**
   * The deployment's number in request ids. 0 where only the URL is known: request ids are compared only
   * within one project, and new objects get their ids from a controller.
   */
  readonly deployment: number;
}

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** @throws UNAVAILABLE notConnected, UNAUTHENTICATED unauthenticated */
export async function connectTo(place: Place, options: CallerOptions): Promise<Novact> {
  const bus = await connectNats({
    ...place.credentials,
    name: `novact sdk, project ${place.project}`,
    log: options.log ?? silent,
    ...(options.connectTimeoutMs === undefined ? {} : { connectTimeoutMs: options.connectTimeoutMs }),
  });
  const { project, cell } = place;
  const ids = systemIds(place.deployment);
  const world = { bus, clock: systemClock, ids, project, cell, random: Math.random };
  const clients = createClients(world, options);
  const followers = createFollowers(clients, world);
  const transfers = createImageTransfers(clients, world);
  const { close } = bus;
  const newRequestId = () => ids.next();
  const of = clientOf(world, options);
  const both = { ...clients, ...followers, ...transfers };
  return { ...both, of, project, cell, newRequestId, close, [Symbol.asyncDispose]: close };
}

/** What is known beside the URL of a server; a user and a password may also stand in the URL itself. */
export interface PlaceHints {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly project?: string | undefined;
  readonly cell?: string | undefined;
}

/** Without a project it is the user's name, without a user `demo`. @throws TypeError when it is no URL */
export function placeOfUrl(url: URL, hints: PlaceHints): Place {
  const bare = new URL(url);
  const user = hints.user ?? decodeURIComponent(bare.username);
  const pass = hints.password ?? decodeURIComponent(bare.password);
  bare.username = "";
  bare.password = "";
  const servers = [bare.toString()];
  const project = hints.project ?? (user === "" ? "demo" : user);
  // Answers to a project's commands go to the inboxes of the project and of operators.
  const inboxPrefix = inboxPrefixOf(user === adminUser ? adminUser : project);
  const credentials = user === "" ? { servers } : { servers, user, pass, inboxPrefix };
  return { credentials, project, cell: hints.cell ?? "main", deployment: 0 };
}
