/**
 * Who may do what on our own NATS server: its accounts, their users, and the subjects that pass from one
 * account to another. The cell (controllers and hosts) is one account, the operators are one, and each
 * project is one: nothing passes between two accounts but what stands here (I12). server-config.ts writes it
 * down for the server.
 *
 * What passes are streams, in both directions: commands into the cell, answers and events out of it. Services
 * would make the server remember every request until it is answered; decision 0023 has the figures. Every
 * user but the anonymous one has an inbox prefix of its own. Pure: values in, values out.
 */
import {
  allCommandsPattern,
  assertToken,
  eventPattern,
  eventStreamName,
  hostPattern,
  projectCommandsPattern,
} from "../../protocol/wire/subjects.ts";
import { busLimits } from "./limits.ts";
import { adminUser, commonInboxPrefix, controllerUser, hostUser, inboxPrefixOf } from "./users.ts";

export interface NatsAccess {
  readonly cell: string;
  /** Ids of the hosts of the compute nodes. */
  readonly hosts: readonly string[];
  /** Tenants; each becomes a user of the same name, in an account of its own. */
  readonly projects: readonly string[];
  /** Name of the user that a client without credentials is; absent: it is refused. */
  readonly anonymous?: string | undefined;
}

export interface NatsUser {
  readonly name: string;
  readonly inboxPrefix: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** True: the user may answer each request once, at the asker's inbox. */
  readonly answers: boolean;
}

/** What passes between the cell and an account outside of it. */
export interface Border {
  /** What the account says, and the cell hears. */
  readonly says: readonly string[];
  /** What the cell says, and the account hears. */
  readonly hears: readonly string[];
  /** Questions to JetStream, which answers in the cell's account alone; few, and of trusted users only. */
  readonly asks: readonly string[];
}

export interface NatsAccount {
  readonly name: string;
  readonly users: readonly NatsUser[];
  /** Connections, subscriptions of each connection, and bytes of a message; absent: only the server's own. */
  readonly limits?: {
    readonly connections: number;
    readonly subscriptions: number;
    readonly payloadBytes: number;
  };
  /** Absent: the account is the cell's own. */
  readonly border?: Border;
}

/** The NATS services protocol: discovery. */
const discovery = "$SRV.>";

export const cellAccount = "CELL";
const clientLimits = {
  connections: busLimits.clientConnectionsMax,
  subscriptions: busLimits.clientSubscriptionsMax,
  payloadBytes: busLimits.clientPayloadBytesMax,
};

/** Every account of the server, the cell's first. */
export function natsAccounts(access: NatsAccess): readonly NatsAccount[] {
  const outside = (name: string, user: string, own: Omit<Border, "hears">): NatsAccount => {
    const hears = [
      eventPattern(access.cell, user === adminUser ? undefined : user),
      ...inboxes(access, user),
    ];
    const border = { ...own, hears };
    return { name, users: [client(user, border)], limits: clientLimits, border };
  };
  return [
    { name: cellAccount, users: cellUsers(access) },
    outside("OPERATORS", adminUser, {
      says: [allCommandsPattern(access.cell), discovery],
      asks: streamQuestions(access.cell),
    }),
    ...access.projects.map((project) =>
      outside(`PROJECT_${assertToken(project, "project")}`, project, {
        says: [projectCommandsPattern(access.cell, project), discovery],
        asks: [],
      }),
    ),
  ];
}

/** Every user of the server, each once. */
export const natsUsers = (access: NatsAccess): readonly NatsUser[] =>
  natsAccounts(access).flatMap(({ users }) => users);

/**
 * How many connections the server takes: as many as all accounts may have, and room for those that have not
 * said yet who they are, so that no clients, however many, keep a host or controller out.
 */
export function connectionsMax(access: NatsAccess): number {
  const clients = (access.projects.length + 1) * busLimits.clientConnectionsMax;
  const cell = busLimits.controllerConnectionsMax + access.hosts.length * busLimits.hostConnectionsMax;
  return clients + cell + busLimits.strangerConnectionsMax;
}

const inboxes = ({ anonymous }: NatsAccess, user: string): readonly string[] =>
  [inboxPrefixOf(user), ...(user === anonymous ? [commonInboxPrefix] : [])].map((prefix) => `${prefix}.>`);

/** A user outside of the cell may do what passes its account's border. */
const client = (name: string, { says, hears, asks }: Border): NatsUser => ({
  name,
  inboxPrefix: inboxPrefixOf(name),
  publish: [...says, ...asks],
  subscribe: hears,
  answers: false,
});

/**
 * What an operator may ask of the event stream: what it holds, and single messages. A consumer could name any
 * subject that the server is to deliver to, as if a controller spoke, and the subject of its making does not
 * tell whether it does: so nobody but controllers makes one.
 */
function streamQuestions(cell: string): readonly string[] {
  const stream = eventStreamName(cell);
  const questions = [
    "INFO",
    "STREAM.NAMES",
    "STREAM.LIST",
    `STREAM.INFO.${stream}`,
    `STREAM.MSG.GET.${stream}`,
  ];
  return questions.map((question) => `$JS.API.${question}`);
}

function cellUsers(access: NatsAccess): readonly NatsUser[] {
  const named = (name: string, rest: Omit<NatsUser, "name" | "inboxPrefix">): NatsUser => ({
    name,
    inboxPrefix: inboxPrefixOf(name),
    ...rest,
    subscribe: [...rest.subscribe, ...inboxes(access, name)],
  });
  return [
    // The controllers may publish everywhere, so they need no permission to answer. With one, the server
    // would keep an entry for every request that they were ever sent, and look through all entries at each
    // further one.
    named(controllerUser, { publish: [">"], subscribe: [">"], answers: false }),
    ...access.hosts.map((id) => {
      const own = hostPattern(access.cell, id);
      const reports = own.replace(`.host.${id}.`, `.report.${id}.`);
      return named(hostUser(id), { publish: [reports], subscribe: [own], answers: true });
    }),
  ];
}
