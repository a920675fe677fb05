/**
 * The SDK in a browser: the same services over NATS's WebSocket listener (`nats.websocket` of cluster.yaml).
 *
 *   const novact = await connect({ url: "ws://127.0.0.1:8443", user: "demo", password });
 *   const { instances } = await novact.instance.list({});
 *
 * A page has no environment and no files: everything is in the options. Nothing here, nor in what it imports,
 * may use a module of Node's.
 */
import { StatusError } from "../../protocol/wire/status.ts";
import { type CallerOptions, connectTo, type Novact, placeOfUrl } from "./connection.ts";

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
  /** `ws://host:port` or `wss://host:port/path`. */
  readonly url: string;
  /** A project, or `admin`. The WebSocket listener of our own server lets nobody in without one. */
  readonly user?: string;
  readonly password?: string;
  /** Absent: the user's name. `admin` sees every project. */
  readonly project?: string;
  /** Absent: `main`. */
  readonly cell?: string;
}

/**
 * Connects to a cluster. Close it when done.
 * @throws UNAVAILABLE notConnected, UNAUTHENTICATED unauthenticated; INVALID_ARGUMENT invalidUrl
 */
export async function connect(options: ConnectOptions): Promise<Novact> {
  return connectTo(placeOfUrl(webSocketUrl(options.url), options), options);
}

function webSocketUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "ws:" || url?.protocol === "wss:") return url;
  throw new StatusError("invalidUrl", "In a browser the URL begins with ws:// or wss://.");
}
