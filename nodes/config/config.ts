/**
 * The one configuration: reads cluster.yaml, checks it, fills in what was left out, and says where things are
 * kept. Every error names the file, the line and what to write instead.
 *
 * This file decides no behaviour and starts nothing. What depends on the machine (capacity, the state
 * directory) is worked out here once, so that every process of the cluster sees the same.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import type { Static } from "@sinclair/typebox";
import { uuidv7 } from "uuidv7";
import { filters } from "../../actors/control/scheduler/filters/index.ts";
import { weighers } from "../../actors/control/scheduler/weighers/index.ts";
import { limits } from "../../protocol/limits/limits.ts";
import { adminProject, systemProject } from "../../protocol/wire/subjects.ts";
import { controllerUser, hostUser, hostUserPrefix } from "../bus/access.ts";
import { credentialsFile, type NatsCredentials, readCredentials } from "../bus/credentials.ts";
import { check, type Finding } from "./explain.ts";
import { completePower, type PowerConfig, powerFindings } from "./power.ts";
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
  /** What the node has for instances; not yet multiplied by the ratios. */
  readonly capacity: { readonly vcpus: number; readonly memoryMib: number; readonly diskGib: number };
  readonly ratios: { readonly cpu: number; readonly ram: number; readonly disk: number };
  /** Absolute: where its guests' disks are, together with other nodes'. Undefined: in its own directory. */
  readonly sharedDirectory: string | undefined;
  /** How it can be switched off from outside. */
  readonly power: PowerConfig | undefined;
  /** Words about the node, for the scheduler and for people. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface ClusterConfig {
  /** Absolute path of the file it came from. */
  readonly file: string;
  readonly cell: string;
  /** Absolute. */
  readonly stateDirectory: string;
  /** Without a URL a server of our own is run on the port. */
  readonly nats: { readonly url: string | undefined; readonly port: number };
  readonly postgres: { readonly url: string | undefined; readonly port: number };
  readonly controllers: number;
  readonly nodes: readonly NodeConfig[];
  /** The first one is who a client without credentials is. */
  readonly projects: readonly string[];
  /** Absolute. Image files are registered from here, and from the state directory's `import` and `guest`. */
  readonly imageDirectories: readonly string[];
  readonly scheduler: {
    readonly filters: readonly string[];
    readonly weighers: Readonly<Record<string, number>>;
  };
  /** Whether `novact chaos` may break it, and the size of each node's own file system; 0: none. */
  readonly chaos: { readonly allowed: boolean; readonly nodeFileSystemMib: number };
  readonly demo: boolean;
}

/** A configuration that cannot be used; the message is for people, one line for each thing that is wrong. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly findings: readonly Finding[];

  constructor(file: string, findings: readonly Finding[]) {
    const shown = relative(process.cwd(), file);
    const place = shown.startsWith("..") ? file : shown;
    super(findings.map(({ line, message }) => `${place}:${line}: ${message}`).join("\n"));
    this.findings = findings;
  }
}

const projectDirectory = dirname(dirname(import.meta.dirname));

/** The file named by NOVACT_CONFIG, or cluster.yaml of this checkout. */
export const defaultConfigFile = (): string =>
  resolve(process.env.NOVACT_CONFIG ?? join(projectDirectory, "cluster.yaml"));

/** @throws ConfigError */
export function loadConfig(path: string = defaultConfigFile()): ClusterConfig {
  const file = resolve(path);
  if (!existsSync(file)) {
    const message = "there is no such file. Name another with --config or NOVACT_CONFIG.";
    throw new ConfigError(file, [{ line: 1, message }]);
  }
  return parseConfig(readFileSync(file, "utf8"), file);
}

/** The same from a text; `file` is where relative paths start. @throws ConfigError */
export function parseConfig(text: string, file: string): ClusterConfig {
  const checked = check<ClusterFile>(text, ClusterSchema);
  if (!checked.ok) throw new ConfigError(file, checked.findings);
  const findings = contradictions(checked.value, checked.lineOf);
  if (findings.length > 0) throw new ConfigError(file, findings);
  return complete(checked.value, file);
}

type LineOf = (path: readonly (string | number)[]) => number;

/** What a schema cannot say. */
function contradictions(file: ClusterFile, lineOf: LineOf): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [index, name] of (file.nodes ?? []).map((node) => node.name).entries()) {
    const first = (file.nodes ?? []).findIndex((node) => node.name === name);
    if (first < index) {
      const message = `nodes.${index}.name: two nodes are called ${name}. Give each its own name.`;
      findings.push({ line: lineOf(["nodes", index, "name"]), message });
    }
  }
  for (const [index, { power }] of (file.nodes ?? []).entries()) {
    findings.push(...powerFindings(power, index, lineOf));
  }
  const reserved: readonly string[] = [adminProject, systemProject, controllerUser];
  for (const [index, project] of (file.projects ?? []).entries()) {
    const line = lineOf(["projects", index]);
    if (reserved.includes(project) || project.startsWith(hostUserPrefix)) {
      findings.push({ line, message: `projects.${index}: the name ${project} is reserved. Choose another.` });
    }
    if ((file.projects ?? []).indexOf(project) < index) {
      findings.push({ line, message: `projects.${index}: ${project} is named twice. Remove one.` });
    }
  }
  for (const server of ["nats", "postgres"] as const) {
    const { url, port } = file[server] ?? {};
    if (url === undefined || port === undefined) continue;
    const message = `${server}.port is the port of our own server, and ${server}.url names another. Remove one.`;
    findings.push({ line: lineOf([server, "port"]), message });
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
    stateDirectory,
    nats: { url: file.nats?.url, port: file.nats?.port ?? 4222 },
    postgres: { url: file.postgres?.url, port: file.postgres?.port ?? 0 },
    controllers: file.controllers ?? 1,
    nodes: nodes.map((node) => completeNode(node, { file, stateDirectory, directory: dirname(path) })),
    projects: file.projects ?? ["demo"],
    imageDirectories: (file.imageDirectories ?? []).map((directory) => resolve(dirname(path), directory)),
    scheduler: {
      filters: file.scheduler?.filters ?? filters.map(({ name }) => name),
      weighers: Object.fromEntries(
        weighers.map(({ name, multiplier }) => [name, multipliers[name] ?? multiplier]),
      ),
    },
    chaos: {
      allowed: file.chaos?.allowed ?? false,
      nodeFileSystemMib: file.chaos?.nodeFileSystemMib ?? 0,
    },
    demo: file.demo ?? true,
  };
}

const nodesOf = (file: ClusterFile) => file.nodes ?? [{ name: "node-1" }, { name: "node-2" }];

/**
 * All nodes are on this machine, so they share their disks where nobody says otherwise: what one of them ran
 * can start on another. With a file system of its own for each node they cannot.
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

/** Enough that the fake hypervisor is never what limits a test of scale. */
const fakeCapacity = { vcpus: 4_096, memoryMib: limits.memoryMibMax, diskGib: 1024 * 1024 };

interface NodeSurroundings {
  readonly file: ClusterFile;
  readonly stateDirectory: string;
  /** Of the configuration's file. */
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
 * A node's part of this machine: all its CPUs (they are shared anyhow), of the memory what the control plane
 * leaves, and of the disk half the file system. The file system's size, not what is free now: a capacity must
 * not shrink by itself.
 */
function shareOfMachine(nodes: number, stateDirectory: string): NodeConfig["capacity"] {
  const memoryMib = Math.floor(totalmem() / 1024 ** 2) - limits.controlPlaneMemoryMib;
  const { blocks, bsize } = statfsSync(existing(stateDirectory));
  const diskGib = (blocks * bsize) / 1024 ** 3 / 2;
  return {
    vcpus: availableParallelism(),
    memoryMib: Math.max(limits.memoryMibMin, Math.floor(memoryMib / nodes)),
    diskGib: Math.max(1, Math.floor(diskGib / nodes)),
  };
}

const existing = (path: string): string => (existsSync(path) ? path : existing(dirname(path)));

/**
 * `.novact` beside the configuration. But PostgreSQL and the guests run as other users than root, and must be
 * able to reach it: when root's checkout lies in a closed directory (such as /root), it is a directory of its
 * own in /var/lib.
 */
function defaultStateDirectory(beside: string): string {
  const near = join(beside, ".novact");
  if (process.getuid?.() !== 0 || isOpen(beside)) return near;
  const digest = createHash("sha256").update(beside).digest("hex").slice(0, 8);
  return join("/var/lib/novact", `${basename(beside)}-${digest}`);
}

/** Every user may pass through the directory and all above it. */
function isOpen(directory: string): boolean {
  const open = ((statSync(existing(directory)).mode ?? 0) & 0o001) !== 0;
  return open && (directory === "/" || isOpen(dirname(directory)));
}

/** Where things are in the state directory. */
export function statePaths(config: Pick<ClusterConfig, "stateDirectory">) {
  const at = (...parts: string[]) => join(config.stateDirectory, ...parts);
  return {
    log: at("log"),
    lock: at("up.json"),
    /** Which processes of the cluster run. */
    run: at("run"),
    nats: at("nats"),
    postgres: at("postgres"),
    /** The connection string of our own PostgreSQL, while it runs. Owner only. */
    postgresUrl: at("postgres", "url"),
    /** The tiny guest that the set-up builds. */
    guest: at("guest"),
    /** Image files that wait for being registered. */
    import: at("import"),
    /** Registered image files, by checksum. */
    images: at("images"),
    /** Everything of one compute node. */
    node: (name: string) => at("nodes", name),
    /** Its guests' directories: what may lie on a small file system of its own. */
    nodeFileSystem: (name: string) => at("nodes", name, "guests"),
    /** Where the proxy between the parties is told what to do, when chaos is allowed. Owner only. */
    proxySocket: at("run", "proxy.sock"),
  };
}

/** A host's id: made once and kept on its own disk. */
export function hostIdOf(config: Pick<ClusterConfig, "stateDirectory">, nodeName: string): string {
  const directory = statePaths(config).node(nodeName);
  const file = join(directory, "host-id");
  if (!existsSync(file)) {
    mkdirSync(directory, { recursive: true, mode: 0o711 });
    writeFileSync(file, `${uuidv7()}\n`, { flag: "wx" });
  }
  return readFileSync(file, "utf8").trim();
}

/** Who wants to connect: a project, `admin`, `controller`, or a host. */
export type BusUser = { readonly host: string } | string;

/**
 * What to give to the NATS client. @throws ConfigError when the cluster was never up, or the user may not
 * read it
 */
export function connectionOf(config: ClusterConfig, user: BusUser): NatsCredentials {
  return throughLink(credentialsOf(config, user));
}

function credentialsOf(config: ClusterConfig, user: BusUser): NatsCredentials {
  if (config.nats.url !== undefined) return ofUrl(config.nats.url);
  const name = typeof user === "string" ? user : hostUser(user.host);
  const file = credentialsFile(statePaths(config).nats, name);
  try {
    const credentials = readCredentials(file);
    if (credentials !== undefined) return credentials;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
    const message = "belongs to the user who started the cluster. Run this as that user (sudo).";
    throw new ConfigError(file, [{ line: 1, message }]);
  }
  const message =
    `there are no credentials for ${name}. Start the cluster first (npm start)` +
    `${typeof user === "string" ? ", or add the project to projects in cluster.yaml" : ""}.`;
  throw new ConfigError(config.file, [{ line: 1, message }]);
}

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
 * What `up` tells a process whose connections go through the proxy of nodes/chaos: the port of 127.0.0.1 to
 * use instead of the server's own. Nobody else has these, so everybody else connects directly.
 */
export const linkVariables = { nats: "NOVACT_LINK_NATS", postgres: "NOVACT_LINK_POSTGRES" } as const;

function throughLink(credentials: NatsCredentials): NatsCredentials {
  const port = process.env[linkVariables.nats];
  return port === undefined ? credentials : { ...credentials, servers: [`nats://127.0.0.1:${port}`] };
}

/** The database. @throws ConfigError when our own server does not run */
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
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  const message =
    "our own PostgreSQL does not run. Start the cluster first (npm start), or set postgres.url.";
  throw new ConfigError(config.file, [{ line: 1, message }]);
}
