/**
 * The configuration: reads cluster.yaml, checks it, fills in defaults, and says where files are kept. Every
 * error names the file, the line and what to write instead.
 *
 * This file decides no behaviour and starts nothing. Values that depend on the computer (capacity, the state
 * directory) are worked out here once, so that every process of the cluster sees the same.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statfsSync, statSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import type { Static } from "@sinclair/typebox";
import { filters } from "../../actors/control/scheduler/filters/index.ts";
import { weighers } from "../../actors/control/scheduler/weighers/index.ts";
import { fieldLimits } from "../../protocol/limits/fields.ts";
import { adminProject } from "../../protocol/wire/subjects.ts";
import {
  CredentialsError,
  credentialsFile,
  type NatsCredentials,
  readCredentials,
} from "../bus/credentials.ts";
import type { WebSocketListener } from "../bus/server-config.ts";
import { controllerUser, hostUser, inboxPrefixOf } from "../bus/users.ts";
import { isCheckout, treeDirectory } from "../package/program-files.ts";
import { commandAgain, startCommand, typedCommand } from "../package/typed-command.ts";
import { ConfigError, NothingNamedError, shownPath } from "./errors.ts";
import { check, type Finding } from "./explain.ts";
import { configLimits } from "./limits.ts";
import { nodeNameFindings } from "./node-names.ts";
import { completePower, type PowerConfig, powerFindings } from "./power.ts";
import { projectFindings, projectsDefault } from "./projects.ts";
import {
  type accelerators,
  type ClusterFile,
  ClusterSchema,
  type hypervisors,
  type NodeSchema,
} from "./schema.ts";

export interface NodeConfig {
  readonly name: string;
  readonly hypervisor: (typeof hypervisors)[number];
  readonly accelerator: (typeof accelerators)[number];
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

/** Reads and checks the configuration. @throws ConfigError, NothingNamedError */
export function loadConfig(path: string = defaultConfigFile()): ClusterConfig {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new NothingNamedError(
      `There is no configuration file ${shownPath(file)}.`,
      "Name another with --config or NOVACT_CONFIG, or make it: an empty one takes all defaults.",
    );
  }
  return parseConfig(readFileSync(file, "utf8"), file);
}

/** As loadConfig, from a text; relative paths start at `file`. @throws ConfigError */
export function parseConfig(text: string, file: string): ClusterConfig {
  const checked = check<ClusterFile>(text, ClusterSchema);
  if (!checked.ok) throw new ConfigError(file, checked.findings);
  const findings = contradictions(checked.value, checked.lineOf);
  if (findings.length > 0) throw new ConfigError(file, findings);
  return complete(checked.value, file);
}

type LineOf = (path: readonly (string | number)[]) => number;

/** Mistakes that the schema cannot express. */
function contradictions(file: ClusterFile, lineOf: LineOf): readonly Finding[] {
  const findings: Finding[] = [];
  const names = (file.nodes ?? []).map(({ name }) => name);
  findings.push(...nodeNameFindings(names, lineOf));
  for (const [index, { power }] of (file.nodes ?? []).entries()) {
    findings.push(...powerFindings(power, index, lineOf));
  }
  findings.push(...projectFindings(file, lineOf));
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

function complete(file: ClusterFile, path: string): ClusterConfig {
  const stateDirectory =
    file.stateDirectory === undefined
      ? defaultStateDirectory(dirname(path))
      : resolve(dirname(path), file.stateDirectory);
  const nodes = nodesOf(file);
  const multipliers = file.scheduler?.weighers ?? {};
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
    controllers: file.controllers ?? 1,
    nodes: nodes.map((node) => completeNode(node, { file, stateDirectory, directory: dirname(path) })),
    projects: file.projects ?? projectsDefault,
    imageDirectories: (file.imageDirectories ?? []).map((directory) => resolve(dirname(path), directory)),
    scheduler: {
      filters: file.scheduler?.filters ?? filters.map(({ name }) => name),
      weighers: Object.fromEntries(
        weighers.map(({ name, multiplier }) => [name, multipliers[name] ?? multiplier]),
      ),
    },
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

const nodesOf = (file: ClusterFile) => file.nodes ?? [{ name: "node-1" }, { name: "node-2" }];

/**
 * The directory of a node's disks. All nodes are on this computer, so they share their disks unless the
 * configuration says otherwise, and a guest of one node can start on another. Nodes with a file system of
 * their own cannot share.
 */
function sharedDirectoryOf(
  node: Static<typeof NodeSchema>,
  file: ClusterFile,
  stateDirectory: string,
): string | undefined {
  const apart = node.hypervisor === "fake" || (file.chaos?.nodeFileSystemMib ?? 0) > 0;
  const shared = node.sharedDirectory ?? file.sharedDirectory ?? (apart ? "none" : "shared");
  return shared === "none" ? undefined : resolve(stateDirectory, shared);
}

/** More than any test of scale needs of the fake hypervisor. */
const fakeCapacity = { vcpus: 4_096, memoryMib: fieldLimits.memoryMibMax, diskGib: 1024 * 1024 };

interface NodeSurroundings {
  readonly file: ClusterFile;
  readonly stateDirectory: string;
  /** Directory of the configuration's file. */
  readonly directory: string;
}

function completeNode(node: Static<typeof NodeSchema>, around: NodeSurroundings): NodeConfig {
  const { file, stateDirectory, directory } = around;
  const hypervisor = node.hypervisor ?? "qemu";
  const nodes = nodesOf(file).length;
  const has = hypervisor === "fake" ? fakeCapacity : shareOfMachine(nodes, stateDirectory);
  return {
    name: node.name,
    hypervisor,
    accelerator: node.accelerator ?? "auto",
    capacity: {
      vcpus: Math.max(0, (node.vcpus ?? has.vcpus) - (node.reserved?.vcpus ?? 0)),
      memoryMib: Math.max(0, (node.memoryMib ?? has.memoryMib) - (node.reserved?.memoryMib ?? 0)),
      diskGib: Math.max(0, (node.diskGib ?? has.diskGib) - (node.reserved?.diskGib ?? 0)),
    },
    ratios: { cpu: node.ratios?.cpu ?? 8, ram: node.ratios?.ram ?? 1, disk: node.ratios?.disk ?? 1 },
    sharedDirectory: sharedDirectoryOf(node, file, stateDirectory),
    power: completePower(node.power, directory),
    labels: node.labels ?? {},
  };
}

/**
 * A node's share of this computer: all its CPUs (they are shared anyhow), of the memory what the control
 * plane leaves, and of the disk half the file system. The size of the file system counts, not its free space:
 * a capacity must not shrink by itself.
 */
function shareOfMachine(nodes: number, stateDirectory: string): NodeConfig["capacity"] {
  const memoryMib = Math.floor(totalmem() / 1024 ** 2) - configLimits.controlPlaneMemoryMib;
  const { blocks, bsize } = statfsSync(existing(stateDirectory));
  const diskGib = (blocks * bsize) / 1024 ** 3 / 2;
  return {
    vcpus: availableParallelism(),
    memoryMib: Math.max(fieldLimits.memoryMibMin, Math.floor(memoryMib / nodes)),
    diskGib: Math.max(1, Math.floor(diskGib / nodes)),
  };
}

const existing = (path: string): string => (existsSync(path) ? path : existing(dirname(path)));

/**
 * `.novact` beside the configuration. But PostgreSQL and the guests run as other users than root and must be
 * able to reach the directory: when root's checkout lies in a closed directory (such as /root), the state
 * directory is one in /var/lib instead.
 */
function defaultStateDirectory(beside: string): string {
  const near = join(beside, ".novact");
  if (process.getuid?.() !== 0 || isOpen(beside)) return near;
  const digest = createHash("sha256").update(beside).digest("hex").slice(0, 8);
  return join("/var/lib/novact", `${basename(beside)}-${digest}`);
}

/** True when every user may pass through the directory and all directories above it. */
function isOpen(directory: string): boolean {
  const open = ((statSync(existing(directory)).mode ?? 0) & 0o001) !== 0;
  return open && (directory === "/" || isOpen(dirname(directory)));
}

/** The paths in the state directory. */
export function statePaths(config: Pick<ClusterConfig, "stateDirectory">) {
  const at = (...parts: string[]) => join(config.stateDirectory, ...parts);
  return {
    log: at("log"),
    lock: at("up.json"),
    /** Proofs of the cluster's processes that run. */
    run: at("run"),
    nats: at("nats"),
    postgres: at("postgres"),
    /** The connection string of our own PostgreSQL, while it runs. Readable by the owner only. */
    postgresUrl: at("postgres", "url"),
    /** The tiny guest that the set-up builds. */
    guest: at("guest"),
    /** Image files that are to be registered. */
    import: at("import"),
    /** Registered image files, by checksum. */
    images: at("images"),
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
