/**
 * Who may import whom: protocol <- actors <- db <- nodes, spec above all, and the packages that each may
 * know. What runs on a node and what runs on a controller never import each other. The first row that fits a
 * file decides. To change a row is a decision: write it down in spec/decisions.
 */
import type { Import, SourceFile } from "./source-tree.ts";

interface Row {
  readonly files: RegExp;
  /** Own files that may be imported, as values or types. */
  readonly may: readonly RegExp[];
  /** Own files of which only types may be imported. */
  readonly mayTypes?: readonly RegExp[];
  readonly packages: readonly RegExp[];
}

const everything = [/^/];
const protocol = /^protocol\//;
/** What the actors and the stores both speak of; types only. */
const words = /^actors\/(?:ports|records)\//;
const systemTypes = /^actors\/runtime\/system\.ts$/;
const decision = /^actors\/runtime\/decision\.ts$/;
/** Files that only decide: the same shape in each actor's room. */
const purePattern = /^actors\/(?:.+)\/(?:(?:messages|state|decide)\.ts|(?:filters|weighers)\/)/;
const messages = /^actors\/.+\/messages\.ts$/;
/** Functions of their arguments alone, without files, sockets, clocks or processes. */
const pureNode = /^node:(?:buffer|crypto)$/;
const schemas = /^@sinclair\/typebox$/;

/** The rooms of the actors from the ground up: each may know only what is named, all of it further down. */
const rooms: readonly Room[] = [
  { room: "actors/shared-storage", knows: [] },
  { room: "actors/promises", knows: [] },
  { room: "actors/node/guard", knows: [] },
  { room: "actors/node/guest-data", knows: [] },
  { room: "actors/node/machine", knows: [] },
  {
    room: "actors/node/host",
    knows: ["actors/node/machine", "actors/shared-storage"],
    except: /(?:witnesses|sweeper)\.ts$/,
  },
  { room: "actors/control/scheduler", knows: [] },
  { room: "actors/control/request", knows: [] },
  { room: "actors/control/directory", knows: ["actors/control/request"] },
  {
    room: "actors/control/instance",
    knows: ["actors/shared-storage", "actors/control/request", "actors/control/directory"],
    except: /(?:host-storage|shared-disks)\.ts$/,
  },
  { room: "actors/control/networking", knows: ["actors/control/request"] },
  {
    room: "actors/control/passage",
    knows: ["request", "directory", "instance", "networking"].map((one) => `actors/control/${one}`),
  },
  { room: "actors/control/placement", knows: ["actors/control/directory"] },
  {
    room: "actors/control/instances",
    knows: ["request", "directory", "instance", "networking", "placement"].map(
      (one) => `actors/control/${one}`,
    ),
  },
  {
    room: "actors/control/catalog",
    // What filters and weighers read is checked by what they know of it (decision 0047).
    knows: ["scheduler", "request", "directory", "networking", "placement"].map(
      (one) => `actors/control/${one}`,
    ),
  },
  {
    room: "actors/control/extensions",
    knows: ["request", "catalog"].map((one) => `actors/control/${one}`),
  },
  {
    room: "actors/control/host",
    knows: [
      "actors/shared-storage",
      ...["request", "directory", "instance", "placement"].map((one) => `actors/control/${one}`),
    ],
    except: /(?:host-storage|shared-disks)\.ts$/,
  },
  {
    room: "actors/control/fleet",
    knows: [
      "actors/shared-storage",
      ...["request", "directory", "instance", "placement", "host"].map((one) => `actors/control/${one}`),
    ],
    except: /(?:host-storage|shared-disks)\.ts$/,
  },
  {
    room: "actors/control/doctor",
    knows: ["actors/shared-storage"],
    except: /(?:host-storage|shared-disks)\.ts$/,
  },
  { room: "actors/control/reconciler", knows: [] },
];

/** The same of db/: both stores stand on the rules, and do not know each other. */
const storeRooms: readonly Room[] = [
  { room: "db/rows", knows: [] },
  { room: "db/rules", knows: ["db/rows"] },
  { room: "db/tables", knows: [] },
  { room: "db/migrations", knows: [] },
  { room: "db/memory", knows: ["db/rows", "db/rules"] },
  { room: "db/postgres", knows: ["db/rows", "db/rules", "db/tables", "db/migrations"] },
  { room: "db/bench", knows: ["db/postgres"] },
];

/** And of nodes/: programs are above what they are made of, and what drives whole clusters is above them. */
const programRooms: readonly Room[] = [
  { room: "nodes/bus", knows: [] },
  { room: "nodes/process", knows: [] },
  { room: "nodes/package", knows: [] },
  { room: "nodes/sinks", knows: ["nodes/process"] },
  { room: "nodes/dhcp", knows: [] },
  { room: "nodes/dhcp6", knows: [] },
  { room: "nodes/image-server", knows: [] },
  { room: "nodes/metadata", knows: [] },
  {
    room: "nodes/switch",
    knows: ["dhcp", "dhcp6", "metadata", "package", "process"].map((one) => `nodes/${one}`),
  },
  {
    room: "nodes/responder",
    knows: ["dhcp", "dhcp6", "metadata", "package", "process", "switch"].map((one) => `nodes/${one}`),
  },
  {
    room: "nodes/drivers",
    knows: "dhcp dhcp6 image-server metadata package process responder switch"
      .split(" ")
      .map((one) => `nodes/${one}`),
  },
  {
    // Of drivers what is known without opening one: the CLI reads the configuration, and runs no guest.
    room: "nodes/config",
    knows: ["nodes/sinks", "nodes/bus", "nodes/package", "nodes/process"],
    files: [/^nodes\/drivers\/(?:built-in|kinds)\.ts$/],
  },
  { room: "nodes/catalogue", knows: ["nodes/config", "nodes/package"] },
  { room: "nodes/events", knows: [] },
  { room: "nodes/metrics", knows: [] },
  { room: "nodes/sdk", knows: ["nodes/bus", "nodes/process", "nodes/config"] },
  { room: "nodes/fence", knows: ["nodes/config", "nodes/drivers", "nodes/process"] },
  {
    room: "nodes/plugins",
    knows: ["nodes/config", "nodes/drivers", "nodes/fence", "nodes/package", "nodes/sinks"],
  },
  { room: "nodes/guard", knows: ["nodes/drivers"] },
  { room: "nodes/proxy", knows: ["nodes/process"] },
  { room: "nodes/setup", knows: ["nodes/config", "nodes/process"] },
  {
    room: "nodes/compute",
    knows: "bus config drivers image-server metrics package plugins process setup"
      .split(" ")
      .map((one) => `nodes/${one}`),
  },
  {
    room: "nodes/controller",
    knows: [
      "bus",
      "config",
      "drivers",
      "events",
      "fence",
      "image-server",
      "metrics",
      "package",
      "plugins",
      "process",
      "sinks",
    ].map((one) => `nodes/${one}`),
  },
  {
    // Of drivers one file: what nodes of one computer share is made, and taken away, by who runs them all.
    room: "nodes/up",
    knows: ["bus", "config", "metrics", "package", "plugins", "process", "proxy", "sdk", "setup"].map(
      (one) => `nodes/${one}`,
    ),
    files: [/^nodes\/drivers\/left-networks\.ts$/],
  },
  { room: "nodes/logs", knows: ["nodes/config"] },
  // The API has no back door: the CLI knows no more than a client does, and can read what is on its computer.
  // Of plug-ins it knows the definitions, by which their commands are made.
  {
    room: "nodes/cli",
    knows: ["nodes/sdk", "nodes/package", "nodes/logs", "nodes/plugins", "nodes/catalogue"],
  },
  {
    room: "nodes/chaos",
    knows: ["bus", "config", "drivers", "package", "process", "proxy", "sdk"].map((one) => `nodes/${one}`),
  },
  {
    room: "nodes/bench",
    knows: "bus chaos compute config drivers image-server package process proxy sdk setup up"
      .split(" ")
      .map((one) => `nodes/${one}`),
  },
];

interface Room {
  readonly room: string;
  readonly knows: readonly string[];
  /** Single files of other rooms. */
  readonly files?: readonly RegExp[];
  /** Files of these that are the other wing's. */
  readonly except?: RegExp;
}

/** Rooms that are named before they are built: an arrow upwards. */
export function upwards(all: readonly Room[] = allRooms): readonly string[] {
  return all.flatMap(({ room, knows }, index) =>
    knows
      .filter((one) => !all.slice(0, index).some((below) => below.room === one))
      .map((one) => `${room} -> ${one}`),
  );
}

const inside = (room: string, except?: RegExp): RegExp =>
  new RegExp(`^${room}/${except === undefined ? "" : `(?!.*${except.source})`}`);

const roomRows: readonly Row[] = rooms.map(({ room, knows, except }) => ({
  files: inside(room),
  may: [
    protocol,
    words,
    /^actors\/runtime\/(?!actor\.ts|actor-core\.ts)/,
    inside(room),
    ...knows.map((one) => inside(one, except)),
  ],
  mayTypes: [messages],
  packages: [pureNode, schemas],
}));

const terminal = [/^commander$/, /^cli-table3$/, /^yaml$/];
/** What a page loads as well, as all of protocol/: no module of Node's. */
const inBrowsers = new RegExp(
  [
    /^nodes\/bus\/(?:nats|inboxes|messages|outbox|refused|requests|serve|users|limits)\.ts$/,
    /^nodes\/sdk\/(?:browser|connection|clients|follow|images|limits)\.ts$/,
    /^nodes\/process\/clock\.ts$/,
  ]
    .map(({ source }) => source)
    .join("|"),
);
const nodePackages = [/^node:/, /^#?nats$/, /^pino$/, /^yaml$/, /^ajv$/, schemas];

/** Every room that has a list of what it may know, from the ground up. */
export const allRooms: readonly Room[] = [...rooms, ...storeRooms, ...programRooms];

export const importTable: readonly Row[] = [
  {
    files: /^protocol\/(?:wire|limits)\//,
    may: [/^protocol\/(?:wire|limits)\//],
    packages: [schemas, /^ajv$/, /^@msgpack\/msgpack$/],
  },
  {
    // Reads and writes addresses.
    files: /^protocol\/address\.ts$/,
    may: [],
    packages: [/^ipaddr\.js$/],
  },
  { files: protocol, may: [protocol], packages: [schemas] },
  { files: /^actors\/records\//, may: [], mayTypes: [protocol, /^actors\/records\//], packages: [] },
  { files: /^actors\/ports\//, may: [], mayTypes: [protocol, words], packages: [] },
  { files: /^actors\/runtime\/actor\.ts$/, may: [protocol, /^actors\/runtime\//], packages: [/^nact$/] },
  {
    files: /^actors\/runtime\//,
    may: [protocol, /^actors\/runtime\//],
    mayTypes: [words],
    packages: [pureNode],
  },
  {
    files: purePattern,
    may: [protocol, decision, /^actors\/(?!runtime\/)/],
    mayTypes: [systemTypes],
    packages: [],
  },
  ...roomRows,
  {
    // Reads its own files of SQL, and nothing else.
    files: /^db\/postgres\/functions\.ts$/,
    may: [/^db\/migrations\//],
    packages: [pureNode, /^node:(?:fs|path)$/],
  },
  {
    // Finds the migrations beside it.
    files: /^db\/migrations\/index\.ts$/,
    may: [],
    packages: [/^node:fs$/, /^@mikro-orm\//],
  },
  {
    // Makes tables of the schemas of resources.
    files: /^db\/tables\/resources\.ts$/,
    may: [protocol, /^db\/tables\//, /^db\/rows\//],
    packages: [/^@mikro-orm\//, schemas],
  },
  ...storeRooms.map(({ room, knows }) => ({
    files: inside(room),
    may: [protocol, inside(room), ...knows.map((one) => inside(one))],
    mayTypes: [words],
    packages: [pureNode, /^node:(?:path|url)$/, /^@mikro-orm\//, /^pg$/],
  })),
  { files: inBrowsers, may: [protocol, inBrowsers], mayTypes: [words], packages: [/^#nats$/] },
  { files: /^nodes\/package\/build\.ts$/, may: [/^nodes\/package\//], packages: [/^node:/, /^esbuild$/] },
  ...programRooms.map(({ room, knows, files = [] }) => ({
    files: inside(room),
    may: [
      protocol,
      ...(room === "nodes/cli" ? [] : [/^actors\//, /^db\//]),
      inside(room),
      ...knows.map((one) => inside(one)),
      ...files,
    ],
    packages: room === "nodes/cli" ? [/^node:/, schemas, ...terminal] : nodePackages,
  })),
  { files: /^nodes\/[^/]+$/, may: [protocol, /^nodes\//], packages: [/^node:/] },
  { files: /^spec\//, may: everything, packages: everything },
];

/** What a file imports though it must not. */
export function importFaults(file: SourceFile): readonly string[] {
  const row = importTable.find(({ files }) => files.test(file.path));
  if (row === undefined) return [`${file.path} is in no row of the import table`];
  return file.imports
    .filter((one) => !allowed(one, row, file.path))
    .map((one) => `${file.path} imports ${one.target}`);
}

function allowed(one: Import, row: Row, path: string): boolean {
  const rules = one.isFile ? row.may : row.packages;
  if (rules.some((rule) => rule.test(one.target))) return !isOtherActor(one, path);
  return one.isFile && one.typeOnly && (row.mayTypes ?? []).some((rule) => rule.test(one.target));
}

/** Pure files may use what is pure in their own room, but of other actors only the messages' types. */
function isOtherActor(one: Import, path: string): boolean {
  if (!purePattern.test(path) || !one.target.startsWith("actors/")) return false;
  const own = rooms.find(({ room }) => path.startsWith(`${room}/`));
  if (own === undefined || one.target.startsWith(`${own.room}/`)) return false;
  if (decision.test(one.target) || systemTypes.test(one.target) || words.test(one.target)) return false;
  return !(one.typeOnly && (messages.test(one.target) || /\/fence-proof\.ts$/.test(one.target)));
}

/** Every circle of imports, types included, as the files on it. */
export function importCycles(files: readonly SourceFile[]): readonly string[] {
  const targets = new Map(files.map((file) => [file.path, file.imports.filter((one) => one.isFile)]));
  const state = new Map<string, "open" | "closed">();
  const cycles = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === "open") cycles.add([...trail.slice(trail.indexOf(path)), path].join(" -> "));
    if (state.has(path)) return;
    state.set(path, "open");
    for (const { target } of targets.get(path) ?? []) visit(target, [...trail, path]);
    state.set(path, "closed");
  };
  for (const path of targets.keys()) visit(path, []);
  return [...cycles];
}

/** Paths of the pure files, and of everything that they use of the actors at run time. */
export function pureFiles(files: readonly SourceFile[]): ReadonlySet<string> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const pure = new Set<string>();
  const visit = (path: string): void => {
    const file = byPath.get(path);
    if (file === undefined || pure.has(path) || !path.startsWith("actors/")) return;
    pure.add(path);
    for (const one of file.imports) if (one.isFile && !one.typeOnly) visit(one.target);
  };
  for (const { path } of files) {
    if (purePattern.test(path)) visit(path);
  }
  return pure;
}
