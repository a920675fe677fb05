/**
 * Who may import whom: protocol <- actors <- db <- nodes, spec above all, and the packages that each may
 * know. The first row that fits a file decides. To change a row is a decision: write it down in
 * spec/decisions.
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
const runtimeTypes = /^actors\/runtime\/(?:ports|records|placement-records|system)\.ts$/;
const decision = /^actors\/runtime\/decision\.ts$/;
const messages = /^actors\/[^/]+\/messages\.ts$/;
/** Functions of their arguments alone, without files, sockets, clocks or processes. */
const pureNode = /^node:(?:buffer|crypto)$/;
const schemas = /^@sinclair\/typebox$/;

/** Beyond its own folder, the runtime and messages: whose internals an actor folder may use. */
const actorFolders: Readonly<Record<string, readonly RegExp[]>> = {
  catalog: [/^actors\/(?:instance|instances)\//],
  doctor: [],
  host: [/^actors\/machine\//],
  hosts: [/^actors\/(?:catalog|instances)\//],
  instance: [],
  instances: [/^actors\/instance\//, /^actors\/hosts\/directory\.ts$/],
  machine: [],
  promises: [],
  reconciler: [],
  scheduler: [],
};

const actorRows: readonly Row[] = Object.entries(actorFolders).map(([folder, others]) => ({
  files: new RegExp(`^actors/${folder}/`),
  may: [protocol, /^actors\/runtime\/(?!actor\.ts|cell\.ts)/, new RegExp(`^actors/${folder}/`), ...others],
  mayTypes: [messages],
  packages: [pureNode, schemas],
}));

export const importTable: readonly Row[] = [
  { files: protocol, may: [protocol], packages: [pureNode, schemas, /^ajv$/, /^@msgpack\/msgpack$/] },
  { files: /^actors\/runtime\/actor\.ts$/, may: [protocol, /^actors\/runtime\//], packages: [/^nact$/] },
  { files: /^actors\/runtime\//, may: [protocol, /^actors\/runtime\//], packages: [pureNode] },
  {
    files: /^actors\/[^/]+\/(?:(?:messages|state|decide)\.ts|(?:filters|weighers)\/)/,
    may: [protocol, decision, /^actors\/(?!runtime\/)/],
    mayTypes: [runtimeTypes],
    packages: [],
  },
  ...actorRows,
  {
    // Reads its own files of SQL, and nothing else.
    files: /^db\/postgres\/functions\.ts$/,
    may: [/^db\//],
    packages: [pureNode, /^node:(?:fs|path)$/],
  },
  {
    files: /^db\//,
    may: [protocol, /^db\//],
    mayTypes: [runtimeTypes],
    packages: [pureNode, /^node:(?:path|url)$/, /^@mikro-orm\//, /^pg$/],
  },
  {
    files: /^nodes\/cli(?:\/|\.ts$)/,
    may: [protocol, /^nodes\/(?:cli\/|cli\.ts|sdk\.ts|nats[^/]*\.ts|config\/|config\.ts|log\.ts|clock\.ts)/],
    packages: [/^node:/, /^commander$/, /^cli-table3$/, schemas],
  },
  {
    files: /^nodes\//,
    may: [protocol, /^actors\//, /^db\//, /^nodes\//],
    packages: [
      /^node:/,
      /^nats$/,
      /^pino$/,
      /^yaml$/,
      /^uuidv7$/,
      /^ajv$/,
      schemas,
      /^(?:commander|cli-table3)$/,
    ],
  },
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

/** Pure files may use what is pure in their own folder, but of other actors only the messages' types. */
function isOtherActor(one: Import, path: string): boolean {
  const [area, folder] = path.split("/");
  const pure = /\/(?:(?:messages|state|decide)\.ts|(?:filters|weighers)\/)/.test(path);
  if (area !== "actors" || !pure || !one.target.startsWith("actors/")) return false;
  if (one.target.startsWith(`actors/${folder}/`) || one.target.startsWith("actors/runtime/")) return false;
  return !(one.typeOnly && messages.test(one.target));
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
    if (/^actors\/[^/]+\/(?:(?:messages|state|decide)\.ts|(?:filters|weighers)\/)/.test(path)) visit(path);
  }
  return pure;
}
