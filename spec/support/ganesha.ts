/**
 * A server of NFS in user space for specs: nfs-ganesha of the distribution, unpacked and never installed, on
 * a loopback address of its own. Needs root, for the port mapper's number and for users of the server. The
 * computer's own port mapper, if it has one, is not touched: the server has a /run of its own. What the
 * computer lacks for that is told before, and by itself: every later failure is one, and no reason to skip.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { chownSync, mkdirSync, readdirSync, readFileSync, statfsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { downloadPackages } from "../../nodes/setup/guest/packages.ts";
import { mustRun } from "../../nodes/setup/run-command.mjs";
import { Nfs3 } from "../examples/nfs/src/nfs3.ts";
import { beginPortMapper, type PortMapper } from "./port-mapper.ts";

/** Of the directories of volumes on the server. */
export const owner = { uid: 900, gid: 900 };
export const writerUid = 65_534;

/** Services that the packages want to have beside them; the programs run without. */
const unneeded = new Set(["nfs-common", "rpcbind", "dbus", "keyutils"]);
const packages = ["nfs-ganesha", "nfs-ganesha-vfs", "qemu-block-extra"];
const deadlineMs = 60_000;
/** A network that hangs keeps no other spec waiting. */
const downloadMsMax = 120_000;
/** What is kept of the server's last words. */
const wordsMax = 2_000;

export interface Ganesha {
  readonly host: string;
  /** A new directory of volumes that is exported: its path on the server, which is that here as well. */
  makeDirectory(name: string): string;
  /** A directory of an export that makes all clients one user. */
  readonly squashed: string;
  readonly process: ChildProcess;
  close(): Promise<void>;
}

/** Puts QEMU's driver of NFS where QEMU's programs find it; answers how to undo that. */
function lend(environment: Readonly<Record<string, string>>): () => void {
  const before = Object.keys(environment).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, environment);
  return () => {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  };
}

/** Undefined: a server can be started here, where its packages can be had. */
export async function missingForGanesha(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "only root can start a server of NFS";
  const tried = spawnSync("unshare", ["--mount", "sh", "-c", 'mount --bind "$0" /run', tmpdir()]);
  if (tried.status !== 0) return "a server of NFS cannot have a /run of its own here: mounts are refused";
  if (!mayOpenHandles()) return "a server of NFS may not open files by their handles here";
  if (statfsSync(tmpdir()).type === overlay) return `files in ${tmpdir()} have no handles: it is an overlay`;
  return portIsFree("127.77.0.1", 111).then(
    () => undefined,
    (error: unknown) => `the port of a port mapper cannot be had here: ${firstLine(error)}`,
  );
}

/** Source: linux/magic.h, OVERLAYFS_SUPER_MAGIC. */
const overlay = 0x794c7630;

/** Source: capabilities(7), CAP_DAC_READ_SEARCH. */
function mayOpenHandles(): boolean {
  const [, effective = "0"] = /^CapEff:\t(\w+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return (BigInt(`0x${effective}`) & 4n) !== 0n;
}

/** Where the packages are unpacked, and what its programs need to run. */
export interface GaneshaPackages {
  readonly libraries: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** `directory`: for all users to pass. @throws Error with the reason why the packages cannot be had */
export async function unpackGanesha(directory: string): Promise<GaneshaPackages> {
  const root = await unpacked(join(directory, "packages"));
  const libraries = join(root, "usr/lib/x86_64-linux-gnu");
  const environment = {
    PATH: `${join(root, "usr/bin")}:${process.env.PATH ?? ""}`,
    LD_LIBRARY_PATH: [libraries, join(root, "usr/lib/ganesha"), join(libraries, "libnfsidmap")].join(":"),
    QEMU_MODULE_DIR: join(libraries, "qemu"),
  };
  const tried = spawnSync("ganesha.nfsd", ["-v"], { env: { ...process.env, ...environment } });
  if (tried.status === 0) return { libraries, environment };
  throw new Error(`the program of nfs-ganesha does not run here: ${tried.error ?? tried.stderr}`);
}

/** `directory`: that of the packages. @throws Error when the server does not come up, with its words */
export async function beginGanesha(
  directory: string,
  { libraries, environment }: GaneshaPackages,
): Promise<Ganesha> {
  const host = `127.77.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  const [nfs, mount] = [await freePort(host), await freePort(host)];
  const run = join(directory, "run");
  mkdirSync(run);
  const restore = lend(environment);
  let mapper: PortMapper | undefined;
  let server: ChildProcess | undefined;
  const close = async () => {
    restore();
    await mapper?.close();
    if (server === undefined || hasEnded(server)) return;
    const ended = once(server, "exit");
    server.kill("SIGKILL");
    await ended;
  };
  try {
    mapper = await beginPortMapper({ socket: join(run, "rpcbind.sock"), host }, { nfs, mount });
    const exported = { open: join(directory, "export"), squashed: join(directory, "squashed") };
    for (const path of Object.values(exported)) mkdirSync(path, { mode: 0o711 });
    const makeDirectory = (name: string, under = exported.open) => {
      const path = join(under, name);
      mkdirSync(path, { mode: 0o711 });
      chownSync(path, owner.uid, owner.gid);
      return path;
    };
    const files = { libraries, work: join(directory, "ganesha") };
    writeConfiguration({ host, nfs, mount, exported, files });
    const command = 'mount --bind "$0" /run && exec ganesha.nfsd -F -f "$1" -L "$2" -p "$3"';
    const [configuration, log, pid] = ["ganesha.conf", "ganesha.log", "pid"].map((one) =>
      join(files.work, one),
    );
    const argv = ["--mount", "sh", "-c", command, run, configuration ?? "", log ?? "", pid ?? ""];
    server = spawn("unshare", argv, { stdio: ["ignore", "ignore", "pipe"] });
    const words = wordsOf(server);
    const squashed = makeDirectory("volumes", exported.squashed);
    await answers({ host, path: makeDirectory("first"), log: log ?? "", server, words });
    return { host, makeDirectory, squashed, process: server, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Unpacks the packages, and the missing packages that these depend on. */
async function unpacked(root: string): Promise<string> {
  mkdirSync(root, { recursive: true, mode: 0o711 });
  const archives = join(root, "archives");
  mkdirSync(archives);
  const late = AbortSignal.timeout(downloadMsMax);
  const stop = { first: late, second: late };
  try {
    const argv = ["-s", "-q", "--no-install-recommends", "install", ...packages];
    const { stdout } = await mustRun("apt-get", argv, { env: { ...process.env, LC_ALL: "C.UTF-8" }, stop });
    const wanted = [...stdout.matchAll(/^Inst (\S+)/gm)].flatMap(([, name = ""]) =>
      unneeded.has(name) ? [] : [name],
    );
    if (wanted.length === 0) return root;
    for (const archive of await downloadPackages(wanted, archives, { say: () => undefined, stop }))
      execFileSync("dpkg-deb", ["-x", archive, root]);
  } catch (error) {
    throw new Error(`the packages of nfs-ganesha cannot be had: ${firstLine(error)}`);
  }
  return root;
}

function writeConfiguration({
  host,
  nfs,
  mount,
  exported,
  files: { libraries, work },
}: {
  readonly host: string;
  readonly nfs: number;
  readonly mount: number;
  readonly exported: { readonly open: string; readonly squashed: string };
  readonly files: { readonly libraries: string; readonly work: string };
}): void {
  mkdirSync(work);
  const idmap = join(work, "idmapd.conf");
  writeFileSync(idmap, "[General]\nDomain = localdomain\n[Translation]\nMethod = static\n");
  const plain = "Protocols = 3; Access_Type = RW; SecType = sys; Transports = TCP; FSAL { Name = VFS; }";
  const exports = [
    `EXPORT { Export_Id = 1; Path = ${exported.open}; Pseudo = /open; Squash = Root_Squash; ${plain} }`,
    `EXPORT { Export_Id = 2; Path = ${exported.squashed}; Pseudo = /squashed; Squash = All_Squash;`,
    `Anonymous_Uid = ${owner.uid}; Anonymous_Gid = ${owner.gid}; ${plain} }`,
  ];
  const core = [
    `Protocols = 3; Bind_addr = ${host}; NFS_Port = ${nfs}; MNT_Port = ${mount}; Enable_UDP = false;`,
    `Enable_NLM = false; Enable_RQUOTA = false; Plugins_Dir = "${join(libraries, "ganesha")}";`,
  ];
  writeFileSync(
    join(work, "ganesha.conf"),
    [
      `NFS_CORE_PARAM { ${core.join(" ")} }`,
      `NFSv4 { IdmapConf = "${idmap}"; Only_Numeric_Owners = true; RecoveryRoot = "${work}"; Graceless = true; }`,
      ...exports,
    ].join("\n"),
  );
}

const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).split("\n")[0] ?? "";

const hasEnded = ({ pid, exitCode, signalCode }: ChildProcess): boolean =>
  pid === undefined || exitCode !== null || signalCode !== null;

/** The end of what it says on its standard error, and that it could not be started. */
function wordsOf(server: ChildProcess): () => string {
  let words = "";
  const add = (more: unknown) => {
    words = `${words}${String(more)}`.slice(-wordsMax);
  };
  server.stderr?.on("data", add);
  server.on("error", add);
  return () => words.trim();
}

/** Until it has answered once. @throws Error with its last words, and the end of its log */
async function answers({
  host,
  path,
  log,
  server,
  words,
}: {
  readonly host: string;
  readonly path: string;
  readonly log: string;
  readonly server: ChildProcess;
  readonly words: () => string;
}): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  const asked = new Nfs3({ host, path, owner, writerUid });
  for (;;) {
    const said = await asked.room().then(
      () => undefined,
      (error: unknown) => String(error),
    );
    if (said === undefined) return;
    if (!hasEnded(server) && performance.now() < endMs) await sleep(50);
    else throw new Error(`nfs-ganesha does not answer: ${said} ${words()} ${endOf(log)}`);
  }
}

function endOf(log: string): string {
  const directory = join(log, "..");
  return readdirSync(directory).includes("ganesha.log")
    ? readFileSync(log, "utf8").split("\n").slice(-4).join(" ")
    : "It has written no log.";
}

const freePort = (host: string): Promise<number> => portIsFree(host, 0);

/** Listens on the port for a moment, on any for 0; answers its number. @throws Error when it is taken */
async function portIsFree(host: string, port: number): Promise<number> {
  const server = createServer();
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("There is no free port.");
  return address.port;
}
