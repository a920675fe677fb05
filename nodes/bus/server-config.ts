/**
 * The configuration file of our own NATS server, as text: who there is (nodes/bus/access.ts), what passes
 * between the accounts, and the server's own limits. Written for nats-server 2.9. Pure: text in, text out.
 */
import {
  type Border,
  cellAccount,
  connectionsMax,
  type NatsAccess,
  type NatsAccount,
  type NatsUser,
  natsAccounts,
} from "./access.ts";
import { busLimits } from "./limits.ts";
import { controllerUser, hostUserPrefix } from "./users.ts";

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

/**
 * Who asks the server what it has counted, and nothing else; in the server's own account, which no other user
 * is in. With a dot, so that no project is called so. Only when it has a password.
 */
export const natsMeterUser = { name: "server.meter", inboxPrefix: "_INBOX_METER" } as const;
export const natsMeterQuestion = "$SYS.REQ.SERVER.PING.VARZ";

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
  const { access, port, webSocket } = settings;
  const accounts = natsAccounts(access);
  return [
    "# Written by novact at every start; changes are lost.",
    `host: "127.0.0.1"`,
    `port: ${port}`,
    `pid_file: ${quoted(settings.pidFile)}`,
    `server_name: ${quoted(`novact-${access.cell}`)}`,
    `max_connections: ${connectionsMax(access)}`,
    `max_payload: ${busLimits.busPayloadBytesMax}`,
    `max_pending: ${busLimits.natsPendingBytesMax}`,
    `ping_interval: "${busLimits.natsPingMs}ms"`,
    `write_deadline: "${busLimits.natsWriteDeadlineMs}ms"`,
    "max_control_line: 4096",
    `jetstream { store_dir: ${quoted(settings.storeDirectory)}, ${jetStreamLimits} }`,
    ...(access.anonymous === undefined ? [] : [`no_auth_user: ${quoted(access.anonymous)}`]),
    ...(webSocket === undefined ? [] : [webSocketEntry(webSocket)]),
    "accounts {",
    ...accounts.flatMap((account) => accountEntry(account, { accounts, settings })),
    ...(webSocket === undefined ? [] : [nobodyEntry(settings.passwords[webSocketNobody] ?? "")]),
    ...meterEntry(settings),
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
  const user = `user: "${webSocketNobody}", password: ${quoted(password)}, ${byTcp}`;
  return `  NOBODY { users: [ { ${user}, permissions: { ${permissions} } } ] }`;
}

function meterEntry({ passwords, webSocket }: NatsServerSettings): readonly string[] {
  const { name, inboxPrefix } = natsMeterUser;
  const password = passwords[name];
  if (password === undefined) return [];
  const permissions = `publish: { allow: ${list([natsMeterQuestion])} }, subscribe: { allow: ${list([`${inboxPrefix}.>`])} }`;
  const types = webSocket === undefined ? "" : `${byTcp}, `;
  const user = `user: ${quoted(name)}, password: ${quoted(password)}, ${types}permissions: { ${permissions} }`;
  return [`  ${quoted("$SYS")} { users: [ { ${user} } ] }`];
}

const byTcp = `allowed_connection_types: ["STANDARD"]`;

/** Controllers and hosts have no pages: whoever has their password in a browser has stolen it. */
const isProcess = ({ name }: NatsUser): boolean => name === controllerUser || name.startsWith(hostUserPrefix);

interface Around {
  readonly accounts: readonly NatsAccount[];
  readonly settings: NatsServerSettings;
}

function accountEntry(account: NatsAccount, { accounts, settings }: Around): readonly string[] {
  const { name, users, limits, border } = account;
  const outside = accounts.flatMap((one) =>
    one.border === undefined ? [] : [{ ...one, border: one.border }],
  );
  const passing = border === undefined ? outside.map(cellSide) : [clientSide(border)];
  return [
    `  ${quoted(name)} {`,
    ...(border === undefined ? ["    jetstream: enabled"] : []),
    ...(limits === undefined ? [] : [limitsEntry(limits)]),
    "    users: [",
    ...users.map((user) => userEntry(user, settings)),
    "    ]",
    ...block(
      "exports",
      passing.flatMap((side) => side.exports),
    ),
    ...block(
      "imports",
      passing.flatMap((side) => side.imports),
    ),
    "  }",
  ];
}

const block = (name: string, lines: readonly string[]): readonly string[] => [
  `    ${name}: [`,
  ...lines.map((line) => `      { ${line} }`),
  "    ]",
];

function limitsEntry({
  connections,
  subscriptions,
  payloadBytes,
}: NonNullable<NatsAccount["limits"]>): string {
  const numbers = [
    `max_connections: ${connections}`,
    `max_subscriptions: ${subscriptions}`,
    `max_payload: ${payloadBytes}`,
  ];
  return `    limits { ${numbers.join(", ")} }`;
}

interface Side {
  readonly exports: readonly string[];
  readonly imports: readonly string[];
}

/** What the cell's account says of one account outside: each subject is for that account alone. */
const cellSide = ({ name, border }: { readonly name: string; readonly border: Border }): Side => ({
  exports: [
    ...border.hears.map((subject) => exported("stream", subject, name)),
    ...border.asks.map((subject) => exported("service", subject, name)),
  ],
  imports: border.says.map((subject) => imported("stream", subject, name)),
});

const clientSide = ({ says, hears, asks }: Border): Side => ({
  exports: says.map((subject) => exported("stream", subject, cellAccount)),
  imports: [
    ...hears.map((subject) => imported("stream", subject, cellAccount)),
    ...asks.map((subject) => imported("service", subject, cellAccount)),
  ],
});

type Passage = "stream" | "service";
const exported = (passage: Passage, subject: string, to: string): string =>
  `${passage}: ${quoted(subject)}, accounts: ${list([to])}`;
const imported = (passage: Passage, subject: string, from: string): string =>
  `${passage}: { account: ${quoted(from)}, subject: ${quoted(subject)} }`;

function userEntry(user: NatsUser, { passwords, webSocket }: NatsServerSettings): string {
  const { name, publish, subscribe, answers } = user;
  const responses = answers
    ? `, allow_responses: { max: 1, expires: "${busLimits.natsResponseExpiresMs}ms" }`
    : "";
  const permissions = `publish: { allow: ${list(publish)} }, subscribe: { allow: ${list(subscribe)} }${responses}`;
  const who = `user: ${quoted(name)}, password: ${quoted(passwords[name] ?? "")}`;
  const types = webSocket !== undefined && isProcess(user) ? `${byTcp}, ` : "";
  return `      { ${who}, ${types}permissions: { ${permissions} } }`;
}

const jetStreamLimits = [
  `max_memory_store: ${busLimits.jetStreamMemoryBytesMax}`,
  `max_file_store: ${busLimits.jetStreamFileBytesMax}`,
].join(", ");
const quoted = (text: string): string => JSON.stringify(text);
const list = (subjects: readonly string[]): string => `[${subjects.map(quoted).join(", ")}]`;
