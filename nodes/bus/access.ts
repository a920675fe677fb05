/**
 * The users of our own NATS server and their permissions: who may publish and subscribe to which subjects. A
 * NATS permission on the tenant's token of a subject is the access rule (I12), and a host may publish only as
 * itself.
 *
 * Every user but the anonymous one has an inbox prefix of its own, so that no user can receive another's
 * answers. Pure: text in, text out.
 */
import {
  adminProject,
  allCommandsPattern,
  assertToken,
  eventPattern,
  eventStreamName,
  hostPattern,
} from "../../protocol/wire/subjects.ts";
import { busLimits } from "./limits.ts";

export interface NatsAccess {
  readonly cell: string;
  /** Ids of the hosts of the compute nodes. */
  readonly hosts: readonly string[];
  /** Tenants; each becomes a user of the same name. */
  readonly projects: readonly string[];
  /** Name of the user that a client without credentials is. */
  readonly anonymous: string;
}

export interface NatsPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** True: the user may answer each request once, at the asker's inbox. */
  readonly answers: boolean;
}

export interface NatsUser {
  readonly name: string;
  readonly inboxPrefix: string;
  readonly permissions: NatsPermissions;
}

export const controllerUser = "controller";
const adminUser = "admin";
export const hostUserPrefix = "host_";
export const hostUser = (hostId: string): string => `${hostUserPrefix}${assertToken(hostId, "host id")}`;
const inboxPrefixOf = (user: string): string => `_INBOX_${user}`;
/** The inbox prefix of clients that were told none. */
const commonInbox = "_INBOX.>";
/** The NATS services protocol: discovery. */
const discovery = "$SRV.>";

/** Every user of the server, each once. */
export function natsUsers(access: NatsAccess): readonly NatsUser[] {
  const named = (name: string, permissions: NatsPermissions): NatsUser => {
    const inbox = `${inboxPrefixOf(name)}.>`;
    const own = name === access.anonymous ? [inbox, commonInbox] : [inbox];
    return {
      name,
      inboxPrefix: inboxPrefixOf(name),
      permissions: { ...permissions, subscribe: [...permissions.subscribe, ...own] },
    };
  };
  return [
    // The controllers may publish everywhere, so they need no permission to answer. With one, the server
    // would keep an entry for every request that they were ever sent, and look through all entries at each
    // further one.
    named(controllerUser, { publish: [">"], subscribe: [">"], answers: false }),
    named(adminUser, administrator(access.cell)),
    ...access.hosts.map((id) => named(hostUser(id), host(access.cell, id))),
    ...access.projects.map((project) => named(assertToken(project, "project"), tenant(access.cell, project))),
  ];
}

/** The pattern of a project's commands: that of all commands, with the project's token in it. */
const projectCommands = (cell: string, project: string): string =>
  allCommandsPattern(cell).replace(/>$/, `${assertToken(project, "project")}.>`);

const tenant = (cell: string, project: string): NatsPermissions => ({
  publish: [projectCommands(cell, project), discovery],
  subscribe: [eventPattern(cell, project)],
  answers: false,
});

/** An operator may send commands in every project, and may read the event stream, but not change it. */
function administrator(cell: string): NatsPermissions {
  const stream = eventStreamName(cell);
  return {
    publish: [
      allCommandsPattern(cell),
      projectCommands(cell, adminProject),
      discovery,
      "$JS.API.INFO",
      "$JS.API.STREAM.NAMES",
      "$JS.API.STREAM.LIST",
      `$JS.API.STREAM.INFO.${stream}`,
      `$JS.API.STREAM.MSG.GET.${stream}`,
      `$JS.API.DIRECT.GET.${stream}.>`,
      `$JS.API.CONSUMER.*.${stream}.>`,
      `$JS.API.CONSUMER.*.${stream}`,
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.>`,
      `$JS.ACK.${stream}.>`,
    ],
    subscribe: [eventPattern(cell)],
    answers: false,
  };
}

function host(cell: string, hostId: string): NatsPermissions {
  const own = hostPattern(cell, hostId);
  return {
    publish: [own.replace(`.host.${hostId}.`, `.report.${hostId}.`)],
    subscribe: [own],
    answers: true,
  };
}

/** The listener for browsers; on 127.0.0.1, as everything of the server. */
export interface WebSocketListener {
  readonly port: number;
  /**
   * `scheme://host[:port]` of the pages that may connect; none: only pages from behind the same host and port
   * as the listener itself. A client that is no browser names no origin, and is not held up by this.
   */
  readonly allowedOrigins: readonly string[];
}

/**
 * Who a client of the WebSocket listener is that brings no credentials: somebody who may not come in by it.
 * With a dot, so that no project is called so.
 */
export const webSocketNobody = "websocket.nobody";

export interface NatsServerSettings {
  readonly access: NatsAccess;
  readonly passwords: Readonly<Record<string, string>>;
  readonly port: number;
  /** Absent: there is none. */
  readonly webSocket?: WebSocketListener;
  readonly storeDirectory: string;
  readonly pidFile: string;
}

/** The server's configuration file. It holds passwords: only its owner may read it. */
export function natsServerConfig(settings: NatsServerSettings): string {
  const { access, passwords, port, webSocket } = settings;
  const users = natsUsers(access).map((user) => {
    const byTcpOnly = webSocket !== undefined && isProcess(user);
    return userEntry(user, { password: passwords[user.name] ?? "", byTcpOnly });
  });
  return [
    "# Written by novact at every start; changes are lost.",
    `host: "127.0.0.1"`,
    `port: ${port}`,
    `pid_file: ${quoted(settings.pidFile)}`,
    `server_name: ${quoted(`novact-${access.cell}`)}`,
    `max_payload: ${busLimits.busPayloadBytesMax}`,
    "max_control_line: 4096",
    `jetstream { store_dir: ${quoted(settings.storeDirectory)}, ${jetStreamLimits} }`,
    `no_auth_user: ${quoted(access.anonymous)}`,
    ...(webSocket === undefined ? [] : [webSocketEntry(webSocket)]),
    "authorization {",
    "  users: [",
    ...users,
    ...(webSocket === undefined ? [] : [nobodyEntry(passwords[webSocketNobody] ?? "")]),
    "  ]",
    "}",
    "",
  ].join("\n");
}

/**
 * No TLS: it is on 127.0.0.1, and whoever opens it to others puts a proxy before it that has a certificate.
 * For that reason nobody comes in without credentials either: the proxy's clients are not on this machine.
 */
function webSocketEntry({ port, allowedOrigins }: WebSocketListener): string {
  const origins =
    allowedOrigins.length === 0 ? "same_origin: true" : `allowed_origins: ${list(allowedOrigins)}`;
  return `websocket { host: "127.0.0.1", port: ${port}, no_tls: true, ${origins}, no_auth_user: ${quoted(webSocketNobody)} }`;
}

/** The WebSocket listener lets this user in as little as any other that may come by TCP only. */
function nobodyEntry(password: string): string {
  const permissions = `publish: { deny: ">" }, subscribe: { deny: ">" }`;
  return `    { user: "${webSocketNobody}", password: ${quoted(password)}, ${byTcp}, permissions: { ${permissions} } }`;
}

const byTcp = `allowed_connection_types: ["STANDARD"]`;

/** Controllers and hosts have no pages: whoever has their password in a browser has stolen it. */
const isProcess = ({ name }: NatsUser): boolean => name === controllerUser || name.startsWith(hostUserPrefix);

function userEntry(
  user: NatsUser,
  { password, byTcpOnly }: { readonly password: string; readonly byTcpOnly: boolean },
): string {
  const { publish, subscribe, answers } = user.permissions;
  const responses = answers
    ? `, allow_responses: { max: 1, expires: "${busLimits.natsResponseExpiresMs}ms" }`
    : "";
  const permissions = `publish: { allow: ${list(publish)} }, subscribe: { allow: ${list(subscribe)} }${responses}`;
  const who = `user: ${quoted(user.name)}, password: ${quoted(password)}`;
  return `    { ${who}, ${byTcpOnly ? `${byTcp}, ` : ""}permissions: { ${permissions} } }`;
}

const jetStreamLimits = [
  `max_memory_store: ${busLimits.jetStreamMemoryBytesMax}`,
  `max_file_store: ${busLimits.jetStreamFileBytesMax}`,
].join(", ");
const quoted = (text: string): string => JSON.stringify(text);
const list = (subjects: readonly string[]): string => `[${subjects.map(quoted).join(", ")}]`;
