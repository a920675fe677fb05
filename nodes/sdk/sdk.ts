/**
 * The SDK: connect, and every service is there as a typed client, derived from its definition.
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
import { systemClock } from "../process/clock.ts";
import { type Clients, createClients } from "./clients.ts";
import { createFollowers, type Followers } from "./follow.ts";

export * from "../../protocol/index.ts";
export { type Clients, services } from "./clients.ts";
export type { ConsoleOptions, WaitOptions, WatchOptions } from "./follow.ts";

export interface Novact extends Clients, Followers, AsyncDisposable {
  readonly project: string;
  readonly cell: string;
  /** Ends the connection. The process does not end by itself before. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** NATS server; else NOVACT_URL; else what cluster.yaml and its state directory say. */
  readonly url?: string;
  /** Else NOVACT_USER and NOVACT_PASSWORD, or what is in the URL. */
  readonly user?: string;
  readonly password?: string;
  /**
   * Else NOVACT_PROJECT, the user's name, or the first project of cluster.yaml. `admin` sees every project.
   */
  readonly project?: string;
  /** Else NOVACT_CELL, that of cluster.yaml, or `main`. */
  readonly cell?: string;
  /** Path of cluster.yaml, when there is no URL. */
  readonly config?: string;
  /** Around every call, the first one outermost; repetitions happen inside them. */
  readonly interceptors?: readonly Interceptor[];
  readonly encoding?: Encoding;
  /** How long to try to reach the server. */
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
 * Connects to a cluster. Close it when done, or say `await using`.
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
  const world = { bus, clock: systemClock, project, cell, random: Math.random };
  const clients = createClients(world, options);
  const followers = createFollowers(clients, world);
  return { ...clients, ...followers, project, cell, close: bus.close, [Symbol.asyncDispose]: bus.close };
}

interface Place {
  readonly credentials: NatsCredentials;
  readonly project: string;
  readonly cell: string;
}

async function placeOf(options: ConnectOptions): Promise<Place> {
  const { env } = process;
  const url = options.url ?? env.NOVACT_URL;
  const project = options.project ?? env.NOVACT_PROJECT;
  const cell = options.cell ?? env.NOVACT_CELL;
  if (url !== undefined) return placeOfUrl(url, options, { project, cell });
  // Only now: whoever names a URL needs none of the configuration, nor what it imports.
  const { connectionOf, defaultConfigFile, loadConfig } = await import("../config/config.ts");
  const config = loadConfig(options.config ?? defaultConfigFile());
  const known = project ?? config.projects[0] ?? adminProject;
  return { credentials: connectionOf(config, known), project: known, cell: cell ?? config.cell };
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
  return { credentials, project: project ?? (user === "" ? "demo" : user), cell: cell ?? "main" };
}
