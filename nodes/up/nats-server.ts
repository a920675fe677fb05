/**
 * A NATS server of our own, on 127.0.0.1, with JetStream in a directory of ours, and users with generated
 * passwords (nodes/bus/access.ts). JetStream holds only copies: the truth is in PostgreSQL, so its directory
 * may be lost.
 *
 * Layout of the directory: `nats.conf` and `credentials/<user>.json` (owner only, but for an
 * anonymous user's), `store/` (JetStream's), `process.json`.
 */

import { randomBytes } from "node:crypto";
import { accessSync, chmodSync, constants, mkdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type NatsAccess, natsUsers } from "../bus/access.ts";
import { credentialsFile, type NatsCredentials, readCredentials } from "../bus/credentials.ts";
import {
  natsMeterUser,
  natsServerConfig,
  type WebSocketListener,
  webSocketNobody,
} from "../bus/server-config.ts";
import { writeStateFile } from "../process/state-file.ts";
import type { Stop } from "../setup/run-command.mjs";
import { upLimits } from "./limits.ts";
import {
  clearLeftover,
  freePort,
  isPortFree,
  type RunningServer,
  ServerStartError,
  startServerProcess,
} from "./server-process.ts";

export interface NatsServerOptions {
  readonly directory: string;
  /** Port to listen on; 0: any free one. */
  readonly port: number;
  readonly logFile: string;
  readonly access: NatsAccess;
  /** Absent: no listener for browsers. Port 0: any free one. */
  readonly webSocket?: WebSocketListener;
  /** True: `meterCredentials` of the server are good. */
  readonly metered?: boolean;
  /** See ServerProgram.diesWithUs. */
  readonly diesWithUs?: boolean;
  readonly stop?: Stop;
}

export interface NatsServer extends RunningServer {
  /** URL of the listener for browsers; undefined: there is none. */
  readonly webSocketUrl: string | undefined;
  /** For the user that may ask the server for its counters, and nothing else; in no file of credentials. */
  readonly meterCredentials: NatsCredentials;
}

/** Where Debian and other installations put the program. */
const places = ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin"];

export function findNatsServer(): string | undefined {
  const directories = [...(process.env.PATH ?? "").split(":").filter((part) => part !== ""), ...places];
  return directories.map((directory) => join(directory, "nats-server")).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts the server. @throws ServerStartError, also when another process has the port */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const program = findNatsServer();
  if (program === undefined) {
    throw new ServerStartError("No nats-server is installed: install Debian's nats-server.");
  }
  const { directory } = options;
  const proofFile = join(directory, "process.json");
  mkdirSync(join(directory, "credentials"), { recursive: true, mode: 0o711 });
  for (const each of [directory, join(directory, "credentials")]) chmodSync(each, 0o711);
  await clearLeftover(proofFile, "SIGTERM");
  if (options.port !== 0 && !(await isPortFree(options.port))) {
    throw new ServerStartError(
      `Port ${options.port} of 127.0.0.1 is taken by another program. Set nats.port in cluster.yaml to a free one, ` +
        "or to 0 for any; or name a running server in nats.url.",
      "FAILED_PRECONDITION",
    );
  }
  const port = options.port === 0 ? await freePort() : options.port;
  const webSocket = await listenerOf(options, port);
  const configFile = writeFiles(options, port, webSocket);
  const server = await startServerProcess({
    name: "NATS",
    program,
    arguments: ["--config", configFile],
    ownArgument: configFile,
    proofFile,
    logFile: options.logFile,
    directory,
    environment: { PATH: process.env.PATH ?? "", TZ: "UTC", GOMEMLIMIT: "256MiB" },
    diesWithUs: options.diesWithUs ?? false,
    stopSignal: "SIGTERM",
    killSignal: "SIGKILL",
    stop: options.stop,
    ready: () => greets(port),
  });
  const webSocketUrl = webSocket === undefined ? undefined : `ws://127.0.0.1:${webSocket.port}`;
  return { name: "NATS", port, url: urlOf(port), webSocketUrl, meterCredentials: metersAt(port), ...server };
}

function metersAt(port: number): NatsCredentials {
  const { name: user, inboxPrefix } = natsMeterUser;
  return { servers: [urlOf(port)], user, pass: metersPassword, inboxPrefix };
}

const urlOf = (port: number): string => `nats://127.0.0.1:${port}`;

/** The listener with its port found. @throws ServerStartError when the port is taken by somebody else */
async function listenerOf(
  { webSocket }: NatsServerOptions,
  otherPort: number,
): Promise<WebSocketListener | undefined> {
  if (webSocket === undefined) return undefined;
  if (webSocket.port !== 0) {
    if (webSocket.port !== otherPort && (await isPortFree(webSocket.port))) return webSocket;
    throw new ServerStartError(
      `Port ${webSocket.port} of 127.0.0.1 is taken. Set nats.websocket.port in cluster.yaml to a free one, ` +
        "or to 0 for any.",
      "FAILED_PRECONDITION",
    );
  }
  let port = await freePort();
  while (port === otherPort) port = await freePort();
  return { ...webSocket, port };
}

/** Nobody types the password of a browser; it is kept, so that the configuration stays the same. */
const nobodysPassword = randomBytes(24).toString("hex");
/** Known to this process and its server alone. */
const metersPassword = randomBytes(24).toString("hex");

/**
 * Writes configuration and credentials; answers the configuration's path. Passwords stay the same from start
 * to start.
 */
function writeFiles(
  options: NatsServerOptions,
  port: number,
  webSocket: WebSocketListener | undefined,
): string {
  const { directory, access } = options;
  const url = urlOf(port);
  const passwords: Record<string, string> = { [webSocketNobody]: nobodysPassword };
  if (options.metered === true) passwords[natsMeterUser.name] = metersPassword;
  for (const { name, inboxPrefix } of natsUsers(access)) {
    const file = credentialsFile(directory, name);
    const pass = readCredentials(file)?.pass ?? randomBytes(24).toString("hex");
    passwords[name] = pass;
    const credentials: NatsCredentials = { servers: [url], user: name, pass, inboxPrefix };
    // Where there is an anonymous user, anybody on this computer is that user anyway.
    writeStateFile(file, `${JSON.stringify(credentials)}\n`, name === access.anonymous ? 0o644 : 0o600);
  }
  const file = join(directory, "nats.conf");
  const storeDirectory = join(directory, "store");
  const pidFile = join(directory, "nats.pid");
  const settings = { access, passwords, port, storeDirectory, pidFile };
  const text = natsServerConfig({ ...settings, ...(webSocket === undefined ? {} : { webSocket }) });
  writeStateFile(file, text, 0o600);
  return file;
}

/**
 * True when a NATS server greets with its INFO line: it does when it takes clients, and JetStream is up by
 * then.
 */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(upLimits.serverStopTimeoutMs, () => end(false));
    socket.once("data", (data) => end(data.toString("latin1").startsWith("INFO ")));
    socket.once("error", () => end(false));
    socket.once("close", () => end(false));
  });
}
