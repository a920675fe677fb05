/**
 * The SDK: `connect` gives a typed client for every service, derived from the service's definition.
 *
 *   const novact = await connect();
 *   const web = { name: "web", flavor: "tiny", image: "tiny" };
 *   const { instance } = await novact.instance.create({ ...web, wait: true });
 *   for await (const text of novact.console(instance.id, { follow: true })) process.stdout.write(text);
 *
 * Calls have deadlines, can be cancelled by an AbortSignal, and are repeated as their codes allow. This file
 * must never hold a list of methods: the definitions in protocol/ are the list.
 */
import type { Interceptor } from "../../protocol/wire/client.ts";
import type { Encoding } from "../../protocol/wire/codec.ts";
import { adminProject } from "../../protocol/wire/subjects.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import type { NatsCredentials } from "../bus/credentials.ts";
import { connectNats } from "../bus/nats.ts";
import { systemClock, systemIds } from "../process/clock.ts";
import { type Clients, createClients } from "./clients.ts";
import { createFollowers, type Followers } from "./follow.ts";

export * from "../../protocol/index.ts";
export { type Clients, services } from "./clients.ts";
export type { ConsoleOptions, WaitOptions, WatchOptions } from "./follow.ts";

export interface Novact extends Clients, Followers, AsyncDisposable {
  readonly project: string;
  readonly cell: string;
  /**
   * A new request id, for a caller that repeats requests itself: a request with the same id is executed only
   * once.
   */
  newRequestId(): string;
  /** Closes the connection. Until then it keeps the process alive. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** URL of the NATS server; else NOVACT_URL; else the one of cluster.yaml and its state directory. */
  readonly url?: string;
  /** Else NOVACT_USER and NOVACT_PASSWORD, or the user in the URL. */
  readonly user?: string;
  readonly password?: string;
  /**
   * Else NOVACT_PROJECT, the user's name, or the first project of cluster.yaml. `admin` sees every project.
   */
  readonly project?: string;
  /** Name of the deployment in subjects; else NOVACT_CELL, that of cluster.yaml, or `main`. */
  readonly cell?: string;
  /** Path of cluster.yaml, for a connection without a URL. */
  readonly config?: string;
  /** Interceptors around every call, the first one outermost; repetitions happen inside them. */
  readonly interceptors?: readonly Interceptor[];
  readonly encoding?: Encoding;
  /** How long to try to connect to the server. */
  readonly connectTimeoutMs?: number;
  readonly log?: Log;
}

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/**
 * Connects to a cluster. Close the connection when done, or use `await using`.
 * @throws UNAVAILABLE notConnected, UNAUTHENTICATED unauthenticated; ConfigError without URL and cluster
 */
export async function connect(options: ConnectOptions = {}): Promise<Novact> {
  const place = await placeOf(options);
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
  const { close } = bus;
  const newRequestId = () => ids.next();
  return { ...clients, ...followers, project, cell, newRequestId, close, [Symbol.asyncDispose]: close };
}

interface Place {
  readonly credentials: NatsCredentials;
  readonly project: string;
  readonly cell: string;
  /**
   * The deployment's number in request ids. 0 where only the URL is known: request ids are compared only
   * within one project, and new objects get their ids from a controller.
   */
  readonly deployment: number;
}

async function placeOf(options: ConnectOptions): Promise<Place> {
  const { env } = process;
  const url = options.url ?? env.NOVACT_URL;
  const project = options.project ?? env.NOVACT_PROJECT;
  const cell = options.cell ?? env.NOVACT_CELL;
  if (url !== undefined) return placeOfUrl(url, options, { project, cell });
  // Imported only here: a caller with a URL needs neither the configuration nor its imports.
  const { connectionOf, defaultConfigFile, loadConfig } = await import("../config/config.ts");
  const config = loadConfig(options.config ?? defaultConfigFile());
  const known = project ?? config.projects[0] ?? adminProject;
  const { deployment } = config;
  return { credentials: connectionOf(config, known), project: known, cell: cell ?? config.cell, deployment };
}

function placeOfUrl(
  text: string,
  options: ConnectOptions,
  { project, cell }: { project: string | undefined; cell: string | undefined },
): Place {
  const url = new URL(text.includes("://") ? text : `nats://${text}`);
  const user = options.user ?? process.env.NOVACT_USER ?? decodeURIComponent(url.username);
  const pass = options.password ?? process.env.NOVACT_PASSWORD ?? decodeURIComponent(url.password);
  url.username = "";
  url.password = "";
  const servers = [url.toString()];
  const credentials = user === "" ? { servers } : { servers, user, pass, inboxPrefix: `_INBOX_${user}` };
  const known = project ?? (user === "" ? "demo" : user);
  return { credentials, project: known, cell: cell ?? "main", deployment: 0 };
}
