/**
 * The configuration: reads cluster.yaml, checks it, fills in defaults, and says where files are kept. Every
 * error names the file, the line and what to write instead.
 *
 * This file decides no behaviour and starts nothing. Values that depend on the computer (capacity, the state
 * directory) are worked out here once, so that every process of the cluster sees the same.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Static } from "@sinclair/typebox";
import { adminProject } from "../../protocol/wire/subjects.ts";
import {
  CredentialsError,
  credentialsFile,
  type NatsCredentials,
  readCredentials,
} from "../bus/credentials.ts";
import type { WebSocketListener } from "../bus/server-config.ts";
import { controllerUser, hostUser, inboxPrefixOf } from "../bus/users.ts";
import type { DriverChoices } from "../drivers/kinds.ts";
import { isCheckout, treeDirectory } from "../package/program-files.ts";
import { commandAgain, startCommand, typedCommand } from "../package/typed-command.ts";
import { capacityOf } from "./capacity.ts";
import { type CatalogueSource, catalogueFindings, completeCatalogue } from "./catalogue.ts";
import { completeDrivers, driverFindings, leavesNetwork, namesOthers, traitsOf } from "./drivers.ts";
import { ConfigError, NothingNamedError, shownPath } from "./errors.ts";
import { check, type Finding, type LineOf } from "./explain.ts";
import { configLimits } from "./limits.ts";
import { nodeNameFindings } from "./node-names.ts";
import {
  type Brought,
  chosenPlugins,
  type Known,
  knownWith,
  nothingBrought,
  type PluginChoice,
} from "./plugins.ts";
import { completePower, type PowerConfig, powerFindings } from "./power.ts";
import { projectFindings, projectsDefault } from "./projects.ts";
import { completeScheduler, schedulerFindings, weightFindings } from "./scheduler.ts";
import { type ClusterFile, ClusterSchema, type NodeSchema } from "./schema.ts";
import { judgeSinks, type SinkChoice } from "./sinks.ts";
import { defaultStateDirectory } from "./state-directory.ts";
import { underlayFindings } from "./underlays.ts";
import { urlFindings } from "./urls.ts";

export interface NodeConfig {
  readonly name: string;
  /** One driver of each kind, with its options. */
  readonly drivers: DriverChoices;
  /** True: the file leaves its network driver to `up`; without `up` it is the one of `drivers`. */
  readonly leavesNetwork: boolean;
  /** True: the guests only pretend, and no process or file of a guest is on this computer. */
  readonly pretends: boolean;
  /** True: its hypervisor tries the computer's abilities with the tiny guest. */
  readonly probes: boolean;
  /** Capacity of the node for instances; not yet multiplied by the overcommit ratios. */
  readonly capacity: { readonly vcpus: number; readonly memoryMib: number; readonly diskGib: number };
  readonly ratios: { readonly cpu: number; readonly ram: number; readonly disk: number };
  /**
   * Absolute path of the directory of its guests' disks, shared with other nodes. Undefined: in the node's
   * own directory.
   */
  readonly sharedDirectory: string | undefined;
  /** How to switch the node off from outside. */
  readonly power: PowerConfig | undefined;
  /** Labels of the node, for the scheduler and for people. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface ClusterConfig {
  /** Absolute path of the configuration's file. */
  readonly file: string;
  readonly cell: string;
  /** The deployment's number, a part of every id: 0 to 1,023. */
  readonly deployment: number;
  /** Absolute path. */
  readonly stateDirectory: string;
  /** Without a URL, a NATS server of our own runs on the port. */
  readonly nats: {
    readonly url: string | undefined;
    readonly port: number;
    /** The listener for browsers; undefined: there is none. */
    readonly websocket: WebSocketListener | undefined;
    /** The project that a client without credentials speaks for; undefined: such a client is refused. */
    readonly anonymous: string | undefined;
  };
  readonly postgres: { readonly url: string | undefined; readonly port: number };
  readonly controllers: number;
  readonly nodes: readonly NodeConfig[];
  /** The tenants; the first one is what the CLI and the SDK take when nobody names one. */
  readonly projects: readonly string[];
  /**
   * Absolute paths. Image files may be registered from these directories, and from the state directory's
   * `import` and `guest`.
   */
  readonly imageDirectories: readonly string[];
  /**
   * Where the first controller takes and gives the bytes of images, on 127.0.0.1; the second one has the next
   * port. 0: any free ones.
   */
  readonly images: { readonly port: number };
  /** Where images come from that the cluster does not have. */
  readonly catalogue: readonly CatalogueSource[];
  /** The plug-ins that each process loads (nodes/plugins). */
  readonly plugins: readonly PluginChoice[];
  /** Where every event is brought. Empty as well for a reader that has not loaded the plug-ins. */
  readonly sinks: readonly SinkChoice[];
  readonly scheduler: {
    readonly filters: readonly string[];
    readonly weighers: Readonly<Record<string, number>>;
  };
  /** Where Prometheus reads what the processes have counted; undefined: nothing is counted. */
  readonly metrics: { readonly port: number; readonly address: string } | undefined;
  /** Whether `novact chaos` may break the cluster, and the size of each node's own file system; 0: none. */
  readonly chaos: { readonly allowed: boolean; readonly nodeFileSystemMib: number };
  readonly demo: boolean;
}

/** cluster.yaml of this checkout, or of the current directory: what is read where nothing names another. */
export const plainConfigFile = (): string =>
  resolve(isCheckout ? join(treeDirectory, "cluster.yaml") : "cluster.yaml");

/** The file named by NOVACT_CONFIG; else the plain one. */
export const defaultConfigFile = (): string => resolve(process.env.NOVACT_CONFIG ?? plainConfigFile());

/**
 * Reads and checks the configuration, without its plug-ins: for readers that need none of what these bring.
 * @throws ConfigError, NothingNamedError
 */
export function loadConfig(path: string = defaultConfigFile()): ClusterConfig {
  const { text, file } = readConfig(path);
  return parseConfig(text, file);
}

/** The text of the configuration's file, and its absolute path. @throws NothingNamedError, ConfigError */
export function readConfig(path: string = defaultConfigFile()): {
  readonly text: string;
  readonly file: string;
} {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new NothingNamedError(
      `There is no configuration file ${shownPath(file)}.`,
      "Name another with --config or NOVACT_CONFIG, or make it: an empty one takes all defaults.",
    );
  }
  const found = statSync(file);
  if (!found.isFile())
    throw new NothingNamedError(`${shownPath(file)} is no ordinary file.`, "Name a file: --config FILE.");
  const { size } = found;
  if (size > configLimits.fileBytesMax) {
    const message = `it has ${size} bytes, of ${configLimits.fileBytesMax} that a configuration may have.`;
    throw new ConfigError(file, [{ line: 1, message: `${message} Is it the right file?` }]);
  }
  return { text: readFileSync(file, "utf8"), file };
}

/**
 * As loadConfig, from a text; relative paths start at `file`. `brought`: what the plug-ins of the file bring;
 * absent: they were not loaded, and names that may be theirs are believed. @throws ConfigError
 */
export function parseConfig(text: string, file: string, brought?: Brought): ClusterConfig {
  const checked = check<ClusterFile>(text, ClusterSchema);
  if (!checked.ok) throw new ConfigError(file, checked.findings);
  const plugins = chosenPlugins(text, file).choices;
  const known = knownWith(brought ?? (plugins.length === 0 ? nothingBrought : undefined));
  const { sinks, findings: ofSinks } = judgeSinks(checked.value.sinks, known.sinks, checked.lineOf);
  const findings = [...contradictions(checked.value, checked.lineOf, known), ...ofSinks];
  if (findings.length > 0) throw new ConfigError(file, findings);
  return { ...complete(checked.value, file, known), plugins, sinks };
}

/** Mistakes that the schema cannot express. */
function contradictions(file: ClusterFile, lineOf: LineOf, known: Known): readonly Finding[] {
  const findings: Finding[] = [];
  const names = (file.nodes ?? []).map(({ name }) => name);
  findings.push(...nodeNameFindings(names, lineOf));
  findings.push(...underlayFindings(file.nodes ?? [], lineOf));
  for (const [index, node] of (file.nodes ?? []).entries()) {
    const isBelieved = known.brought === undefined && namesOthers(node, known);
    if (!isBelieved) findings.push(...driverFindings(node, index, { known, lineOf }));
    findings.push(...powerFindings(node.power, index, { lineOf, known: known.brought?.power }));
  }
  findings.push(...projectFindings(file, lineOf));
  findings.push(...urlFindings(file, lineOf));
  findings.push(...catalogueFindings(file.catalogue, lineOf));
  findings.push(...weightFindings(file.nodes ?? [], lineOf));
  findings.push(...schedulerFindings(file.scheduler, known.brought, lineOf));
  for (const server of ["nats", "postgres"] as const) {
    const { url, port } = file[server] ?? {};
    if (url === undefined || port === undefined) continue;
    const message = `${server}.port is the port of our own server, and ${server}.url names another. Remove one.`;
    findings.push({ line: lineOf([server, "port"]), message });
  }
  if (file.nats?.url !== undefined && file.nats.websocket !== undefined) {
    const message =
      "nats.websocket is a listener of our own server, and nats.url names another. Configure it there, and remove it here.";
    findings.push({ line: lineOf(["nats", "websocket"]), message });
  }
  if ((file.chaos?.nodeFileSystemMib ?? 0) > 0 && file.chaos?.allowed !== true) {
    const message =
      "chaos.nodeFileSystemMib keeps guests in memory, to be filled on purpose. Set chaos.allowed: true, or remove it.";
    findings.push({ line: lineOf(["chaos", "nodeFileSystemMib"]), message });
  }
  return findings;
}

function complete(file: ClusterFile, path: string, known: Known): Omit<ClusterConfig, "plugins" | "sinks"> {
  const stateDirectory =
    file.stateDirectory === undefined
      ? defaultStateDirectory(dirname(path))
      : resolve(dirname(path), file.stateDirectory);
  const nodes = nodesOf(file);
  return {
    file: path,
    cell: file.cell ?? "main",
    deployment: file.deployment ?? 0,
    stateDirectory,
    nats: {
      url: file.nats?.url,
      port: file.nats?.port ?? 4222,
      websocket: webSocketOf(file),
      anonymous: file.nats?.anonymous,
    },
    postgres: { url: file.postgres?.url, port: file.postgres?.port ?? 0 },
    controllers: controllersOf(file),
    nodes: nodes.map((node) => completeNode(node, { file, known, stateDirectory, directory: dirname(path) })),
    projects: file.projects ?? projectsDefault,
    imageDirectories: (file.imageDirectories ?? []).map((directory) => resolve(dirname(path), directory)),
    images: { port: file.images?.port ?? 0 },
    catalogue: completeCatalogue(file.catalogue, dirname(path)),
    scheduler: completeScheduler(file.scheduler, known.brought),
    metrics: file.metrics && { port: file.metrics.port, address: file.metrics.address ?? "127.0.0.1" },
    chaos: {
      allowed: file.chaos?.allowed ?? false,
      nodeFileSystemMib: file.chaos?.nodeFileSystemMib ?? 0,
    },
    demo: file.demo ?? true,
  };
}

function webSocketOf({ nats }: ClusterFile): WebSocketListener | undefined {
  if (nats?.websocket === undefined) return undefined;
  return { port: nats.websocket.port ?? 0, allowedOrigins: nats.websocket.allowedOrigins ?? [] };
}

const controllersOf = (file: ClusterFile): number => file.controllers ?? 1;
const nodesOf = (file: ClusterFile) => file.nodes ?? [{ name: "node-1" }, { name: "node-2" }];

interface NodeSurroundings {
  readonly file: ClusterFile;
  readonly known: Known;
  readonly stateDirectory: string;
  /** Directory of the configuration's file. */
  readonly directory: string;
}

function completeNode(node: Static<typeof NodeSchema>, around: NodeSurroundings): NodeConfig {
  const { file, known, stateDirectory, directory } = around;
  const traits = traitsOf(node, known);
  const computer = { nodes: nodesOf(file).length, controllers: controllersOf(file), stateDirectory };
  const chosen = completeDrivers(node, file, around);
  const { sharedDirectory } = chosen;
  return {
    name: node.name,
    ...traits,
    ...chosen,
    leavesNetwork: leavesNetwork(node, known),
    capacity: capacityOf(node, { ...traits, ...computer, sharedDirectory }),
    ratios: { cpu: node.ratios?.cpu ?? 8, ram: node.ratios?.ram ?? 1, disk: node.ratios?.disk ?? 1 },
    power: completePower(node.power, directory, known.brought?.power),
    labels: node.labels ?? {},
  };
}

/** The paths in the state directory. */
export function statePaths(config: Pick<ClusterConfig, "stateDirectory">) {
  const at = (...parts: string[]) => join(config.stateDirectory, ...parts);
  return {
    log: at("log"),
    /** How far each sink of events has got. */
    sinks: at("sinks"),
    lock: at("up.json"),
    /** Proofs of the cluster's processes that run. */
    run: at("run"),
    nats: at("nats"),
    postgres: at("postgres"),
    /** The connection string of our own PostgreSQL, while it runs. Readable by the owner only. */
    postgresUrl: at("postgres", "url"),
    /** The tiny guest that the set-up builds. */
    guest: at("guest"),
    /** The cloud image of a distribution, built when somebody wants it. */
    distribution: at("distribution"),
    /** Image files that are to be registered. */
    import: at("import"),
    /** Registered image files, by checksum. */
    images: at("images"),
    /** The key of the tickets for the bytes of images. Readable by the owner only. */
    imageTickets: at("image-tickets.key"),
    /** All files of one compute node. */
    node: (name: string) => at("nodes", name),
    /** The directories of the node's guests: they may lie on a small file system of their own. */
    nodeFileSystem: (name: string) => at("nodes", name, "guests"),
    /** The socket that controls the proxy between the parties, when chaos is allowed. For the owner only. */
    proxySocket: at("run", "proxy.sock"),
  };
}

/** The user of a connection to the bus: a project, `admin`, `controller`, or a host. */
export type BusUser = { readonly host: string } | string;

/**
 * The credentials for the NATS client. @throws NothingNamedError when there is no such project, or the
 * cluster was never up; ConfigError when the file is damaged or may not be read
 */
export function connectionOf(config: ClusterConfig, user: BusUser): NatsCredentials {
  return throughLink(credentialsOf(config, user));
}

function credentialsOf(config: ClusterConfig, user: BusUser): NatsCredentials {
  const name = typeof user === "string" ? user : hostUser(user.host);
  if (config.nats.url !== undefined) return { ...ofUrl(config.nats.url), inboxPrefix: inboxPrefixOf(name) };
  const file = credentialsFile(statePaths(config).nats, name);
  try {
    const credentials = readCredentials(file);
    if (credentials !== undefined) return credentials;
  } catch (error) {
    if (error instanceof CredentialsError) throw new ConfigError(file, [{ line: 1, message: error.message }]);
    if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
    const message = "belongs to the user who started the cluster. Run this as that user (sudo).";
    throw new ConfigError(file, [{ line: 1, message }]);
  }
  throw withoutCredentials(config, user);
}

function withoutCredentials({ file, projects }: ClusterConfig, user: BusUser): NothingNamedError {
  const shown = shownPath(file);
  if (typeof user === "string" && ![...projects, adminProject, controllerUser].includes(user))
    return new NothingNamedError(
      `There is no project ${user}: ${shown} has ${projects.join(", ")}.`,
      `Name another with --project or NOVACT_PROJECT, or add it to projects in ${shown} and start the cluster anew.`,
    );
  const whose = typeof user === "string" ? user : `host ${user.host}`;
  return new NothingNamedError(
    `There are no credentials for ${whose}: the cluster of ${shown} was not started yet.`,
    `Start it: ${startOf(file)}; or name another one: --config FILE, NOVACT_URL.`,
  );
}

/** The command that starts the cluster of this configuration, as it can be pasted. */
const startOf = (file: string): string =>
  file === plainConfigFile() ? startCommand() : `${commandAgain(typedCommand(), { config: file })} up`;

function ofUrl(text: string): NatsCredentials {
  const url = new URL(text);
  const { username, password } = url;
  url.username = "";
  url.password = "";
  const servers = [url.toString()];
  if (username === "") return { servers };
  return { servers, user: decodeURIComponent(username), pass: decodeURIComponent(password) };
}

/**
 * Environment variables by which `up` tells a process to connect through the proxy of nodes/chaos: each holds
 * the port of 127.0.0.1 to use instead of the server's own. Other processes do not have them, and connect
 * directly.
 */
export const linkVariables = { nats: "NOVACT_LINK_NATS", postgres: "NOVACT_LINK_POSTGRES" } as const;

function throughLink(credentials: NatsCredentials): NatsCredentials {
  const port = process.env[linkVariables.nats];
  return port === undefined ? credentials : { ...credentials, servers: [`nats://127.0.0.1:${port}`] };
}

/** The URL of the database. @throws ConfigError when our own server does not run, or its file is damaged */
export function postgresUrlOf(config: ClusterConfig): string {
  const port = process.env[linkVariables.postgres];
  if (port === undefined) return ownPostgresUrl(config);
  const url = new URL(ownPostgresUrl(config));
  url.hostname = "127.0.0.1";
  url.port = port;
  return url.toString();
}

function ownPostgresUrl(config: ClusterConfig): string {
  if (config.postgres.url !== undefined) return config.postgres.url;
  const file = statePaths(config).postgresUrl;
  const url = existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
  if (url !== undefined) {
    if (/^postgresql:\/\/\S+$/.test(url)) return url;
    const damaged = `it should hold the URL of our own PostgreSQL. Start the cluster again, which writes it anew.`;
    throw new ConfigError(file, [{ line: 1, message: damaged }]);
  }
  const message = `our own PostgreSQL does not run. Start the cluster first (${startCommand()}), or set postgres.url.`;
  throw new ConfigError(config.file, [{ line: 1, message }]);
}
