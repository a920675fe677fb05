/**
 * The SDK: `connect` gives a typed client for every service, derived from the service's definition.
 *
 *   const novact = await connect();
 *   const web = { name: "web", flavor: "tiny", image: "tiny" };
 *   const { instance } = await novact.instance.create({ ...web, wait: true });
 *   for await (const text of novact.console(instance.id, { follow: true })) process.stdout.write(text);
 *
 * Calls have deadlines, can be cancelled by an AbortSignal, and are repeated as their codes allow. This file
 * must never hold a list of methods: the definitions in protocol/ are the list. Browsers have browser.ts.
 */
import { StatusError } from "../../protocol/wire/status.ts";
import { adminProject } from "../../protocol/wire/subjects.ts";
import { type CallerOptions, connectTo, type Novact, type Place, placeOfUrl } from "./connection.ts";

export * from "../../protocol/index.ts";
export { type Clients, services } from "./clients.ts";
export type { Novact } from "./connection.ts";
export type { ConsoleOptions, Followers, WaitOptions, WatchOptions } from "./follow.ts";
export type {
  FetchedImage,
  FetchOptions,
  ImageSource,
  ImageTransfers,
  SendOptions,
  TransferOptions,
} from "./images.ts";

export interface ConnectOptions extends CallerOptions {
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
}

/**
 * Connects to a cluster. Close the connection when done, or use `await using`.
 * @throws UNAVAILABLE notConnected, UNAUTHENTICATED unauthenticated, INVALID_ARGUMENT invalidUrl; ConfigError
 * without URL and cluster
 */
export async function connect(options: ConnectOptions = {}): Promise<Novact> {
  return connectTo(await placeOf(options), options);
}

async function placeOf(options: ConnectOptions): Promise<Place> {
  const { env } = process;
  const url = options.url ?? env.NOVACT_URL;
  const project = options.project ?? env.NOVACT_PROJECT;
  const cell = options.cell ?? env.NOVACT_CELL;
  if (url !== undefined) {
    const user = options.user ?? env.NOVACT_USER;
    const password = options.password ?? env.NOVACT_PASSWORD;
    const whole = url.includes("://") ? url : `nats://${url}`;
    // Without the text itself: there may be a password in it.
    if (!URL.canParse(whole)) throw new StatusError("invalidUrl", "The URL of the NATS server is not a URL.");
    return placeOfUrl(new URL(whole), { user, password, project, cell });
  }
  // Imported only here: a caller with a URL needs neither the configuration nor its imports.
  const { connectionOf, defaultConfigFile, loadConfig } = await import("../config/config.ts");
  const config = loadConfig(options.config ?? defaultConfigFile());
  const known = project ?? config.projects[0] ?? adminProject;
  const { deployment } = config;
  return { credentials: connectionOf(config, known), project: known, cell: cell ?? config.cell, deployment };
}
