/**
 * Builds the tiny guest: Debian's cloud kernel, busybox and the few files under root/. The guest prints a
 * line on its console when it is up, gets its address by DHCP, and powers off on the ACPI power button.
 *
 * It is made of the distribution's packages, unpacked and not installed. The results: `vmlinux` (ELF kernel)
 * and `initrd.img` for booting directly, `guest.qcow2` for booting from a disk, and `manifest.json`, which
 * records the sources and thus whether the build is up to date. Nothing is built when this folder's files are
 * the same as at the last build.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type CommandResult, mustRun, type Stop } from "../run-command.mjs";
import { cpioArchive, type Entry } from "./cpio.ts";
import { writeDisk } from "./disk.ts";
import { lz4Payload } from "./kernel.ts";
import { type AptOptions, aptCandidate, downloadPackages } from "./packages.ts";

const rootDirectory = join(import.meta.dirname, "root");
const kernelPackage = "linux-image-cloud-amd64";
const busyboxPackage = "busybox-static";
/** The ssh server and what it is linked with, down to the C library. */
const sshPackages = [
  "dropbear-bin",
  "libc6",
  "libcrypt1",
  "libtomcrypt1",
  "libtommath1",
  "libgmp10",
  "zlib1g",
];
const loader = "ld-linux-x86-64.so.2";
const sshLibraries = [
  ...["libc.so.6", "libcrypt.so.1", "libtomcrypt.so.1", "libtommath.so.1", "libgmp.so.10", "libz.so.1"],
];
const commandLine = "console=ttyS0 quiet loglevel=3 tsc=reliable no_timer_check random.trust_cpu=1 panic=-1";
const bootMib = 24;
const rootMib = 32;

/** Kernel modules in the order of their dependencies; some exist only in some kernels. */
const modules = [
  ...["virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk"],
  ...["failover", "net_failover", "virtio_net", "virtio_console", "virtio-rng", "virtio_balloon"],
  ...["evdev", "button", "pvpanic", "pvpanic-mmio", "pvpanic-pci"],
  // The config drive's file system.
  ...["cdrom", "isofs"],
];

export interface GuestFiles {
  readonly kernel: string;
  readonly ramdisk: string;
  readonly disk: string;
  readonly commandLine: string;
}

interface Manifest {
  readonly stamp: string;
  readonly kernel: string;
  readonly busybox: string;
  readonly commandLine: string;
  readonly bytes: Readonly<Record<string, number>>;
}

const filesIn = (directory: string): GuestFiles => ({
  kernel: join(directory, "vmlinux"),
  ramdisk: join(directory, "initrd.img"),
  disk: join(directory, "guest.qcow2"),
  commandLine,
});

/** The guest's files, when they are there, whole, and up to date. What is damaged counts as missing. */
export function findGuest(directory: string): GuestFiles | undefined {
  const { stamp, bytes } = manifestIn(directory);
  if (typeof stamp !== "string" || typeof bytes !== "object" || bytes === null) return undefined;
  const isWhole = ([name, size]: readonly [string, unknown]): boolean =>
    statSync(join(directory, name), { throwIfNoEntry: false })?.size === size;
  if (!Object.entries(bytes).every(isWhole)) return undefined;
  return stamp === stampOfSources() ? filesIn(directory) : undefined;
}

function manifestIn(directory: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8")));
  } catch {
    // Missing or damaged: the guest is built anew.
    return {};
  }
}

/** Runs a tool of the build; the person's Ctrl-C ends it. @throws Error with what it said last */
type RunTool = (program: string, argv: readonly string[]) => Promise<CommandResult>;

/**
 * Builds the guest; the directory is replaced as a whole at the end.
 * @throws Error that says what failed; the reason of `stop.first` when that is aborted
 */
export async function buildGuest(
  directory: string,
  say: (text: string) => void,
  stop?: Stop,
): Promise<GuestFiles> {
  const run: RunTool = (program, argv) => mustRun(program, argv, { stop });
  await mkdir(dirname(directory), { recursive: true, mode: 0o711 });
  await removeLeftovers(directory);
  const work = await mkdtemp(`${directory}.`);
  try {
    const out = join(work, "out");
    await mkdir(out, { mode: 0o755 });
    const packages = await fetchPackages(work, run, { say, stop });
    say(`kernel ${packages.release}`);
    const tree = await guestTree(packages, run);
    const bzImage = join(work, "vmlinuz");
    await copyFile(join(packages.directory, "boot", `vmlinuz-${packages.release}`), bzImage);
    await Promise.all([
      unpackKernel(run, { bzImage, file: join(out, "vmlinux"), work }),
      packRamdisk(run, { tree, file: join(out, "initrd.img"), work }),
    ]);
    await makeDisk(run, { work, out, bzImage, tree });
    stop?.first.throwIfAborted();
    await writeManifest(out, packages);
    await rm(directory, { recursive: true, force: true });
    await rename(out, directory);
    return filesIn(directory);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Removes the files of a build that was cut off: there is only one `up` per state directory, so no other
 * build is under way.
 */
async function removeLeftovers(directory: string): Promise<void> {
  const parent = dirname(directory);
  const leftovers = readdirSync(parent).filter((name) => name.startsWith(`${basename(directory)}.`));
  await Promise.all(leftovers.map((name) => rm(join(parent, name), { recursive: true, force: true })));
}

interface Packages {
  /** Directory with the files of both packages, unpacked over each other. */
  readonly directory: string;
  readonly release: string;
  readonly busybox: string;
}

/** Downloads the packages and unpacks the files that are needed. */
async function fetchPackages(work: string, run: RunTool, apt: AptOptions): Promise<Packages> {
  const directory = join(work, "packages");
  await mkdir(directory);
  const [kernel, busybox] = await Promise.all([
    aptCandidate(kernelPackage, apt),
    aptCandidate(busyboxPackage, apt),
  ]);
  const image = kernel.dependencies.find((name) => name.startsWith("linux-image-"));
  if (image === undefined) throw new Error(`The package ${kernelPackage} names no kernel.`);
  for (const archive of await downloadPackages([image, busyboxPackage, ...sshPackages], work, apt)) {
    await run("dpkg-deb", ["-x", archive, directory]);
  }
  const [release] = await readdir(join(directory, "lib", "modules"));
  if (release === undefined) throw new Error(`The package ${image} has no modules.`);
  return { directory, release, busybox: busybox.version };
}

/** The guest's whole file system. */
async function guestTree(packages: Packages, run: RunTool): Promise<readonly Entry[]> {
  const busybox = join(packages.directory, "bin", "busybox");
  const { stdout } = await run(busybox, ["--list"]);
  const applets = stdout.split("\n").filter((name) => name !== "" && name !== "busybox");
  const empty = [
    "bin",
    "dev",
    "disk",
    "lib",
    "lib/modules",
    "lib64",
    "mnt",
    "proc",
    "root",
    "run",
    "sbin",
    "sys",
    "tmp",
    "var",
  ];
  const links: readonly Entry[] = [
    ...applets.map((name): Entry => ({ kind: "link", path: `bin/${name}`, target: "busybox" })),
    { kind: "link", path: "sbin/init", target: "../bin/busybox" },
    { kind: "link", path: "etc/resolv.conf", target: "../run/resolv.conf" },
  ];
  return [
    ...empty.map((path): Entry => ({ kind: "directory", path })),
    { kind: "device", path: "dev/console", mode: 0o600, major: 5, minor: 1 },
    { kind: "file", path: "bin/busybox", mode: 0o755, content: await readFile(busybox) },
    ...(await sshServer(packages)),
    ...(await ownFiles()),
    ...(await moduleFiles(packages)),
    ...links,
  ];
}

/** The ssh server with its libraries, each under the name by which it is asked for. */
async function sshServer({ directory }: Packages): Promise<readonly Entry[]> {
  const found = await readdir(directory, { recursive: true });
  const fileOf = (name: string): string => {
    const path = found.find((one) => basename(one) === name);
    if (path === undefined) throw new Error(`The packages of the ssh server have no file ${name}.`);
    return join(directory, path);
  };
  const files = [
    ...[["sbin/dropbear", "dropbear"] as const, [`lib64/${loader}`, loader] as const],
    ...sshLibraries.map((name) => [`lib/${name}`, name] as const),
  ];
  const entries = files.map(async ([path, name]): Promise<Entry> => {
    const content = await readFile(fileOf(name));
    return { kind: "file", path, mode: 0o755, content };
  });
  return Promise.all(entries);
}

/** The files under root/ of this folder. */
async function ownFiles(): Promise<readonly Entry[]> {
  const found = await readdir(rootDirectory, { recursive: true, withFileTypes: true });
  const entries = found.map(async (each): Promise<Entry> => {
    const file = join(each.parentPath, each.name);
    const path = file.slice(rootDirectory.length + 1);
    if (each.isDirectory()) return { kind: "directory", path };
    const executable = ((await stat(file)).mode & 0o100) !== 0;
    return { kind: "file", path, mode: executable ? 0o755 : 0o644, content: await readFile(file) };
  });
  return (await Promise.all(entries)).sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function moduleFiles({ directory, release }: Packages): Promise<readonly Entry[]> {
  const under = join(directory, "lib", "modules", release);
  const found = await readdir(under, { recursive: true });
  const entries: Entry[] = [];
  for (const name of modules) {
    const file = found.find((path) => path.endsWith(`/${name}.ko`));
    if (file === undefined) continue;
    const content = await readFile(join(under, file));
    entries.push({ kind: "file", path: `lib/modules/${name}.ko`, mode: 0o644, content });
  }
  return entries;
}

interface UnpackOptions {
  readonly bzImage: string;
  readonly file: string;
  readonly work: string;
}

async function unpackKernel(run: RunTool, { bzImage, file, work }: UnpackOptions): Promise<void> {
  const payload = join(work, "kernel.lz4");
  await writeFile(payload, lz4Payload(await readFile(bzImage)));
  await run("lz4", ["-d", "-f", "-q", payload, file]);
}

interface PackOptions {
  readonly tree: readonly Entry[];
  readonly file: string;
  readonly work: string;
}

async function packRamdisk(run: RunTool, { tree, file, work }: PackOptions): Promise<void> {
  const archive = join(work, "initrd.cpio");
  await writeFile(archive, cpioArchive(tree));
  await run("lz4", ["-l", "-9", "-f", "-q", archive, file]);
}

interface DiskOptions {
  readonly work: string;
  readonly out: string;
  readonly bzImage: string;
  readonly tree: readonly Entry[];
}

/** Makes the disk: the same system with a boot loader. */
async function makeDisk(run: RunTool, { work, out, bzImage, tree }: DiskOptions): Promise<void> {
  const [boot, root, raw] = [join(work, "boot.img"), join(work, "root.img"), join(work, "guest.raw")];
  await Promise.all([
    makeBootPartition(run, boot, { work, out, bzImage, tree }),
    makeRootPartition(run, { file: root, work, tree }),
  ]);
  await writeDisk(raw, {
    bootCode: "/usr/lib/syslinux/mbr/mbr.bin",
    bootPartition: boot,
    rootPartition: root,
  });
  await run("qemu-img", [
    "convert",
    "-q",
    "-f",
    "raw",
    "-O",
    "qcow2",
    "-o",
    "compat=1.1",
    raw,
    join(out, "guest.qcow2"),
  ]);
}

async function makeBootPartition(
  run: RunTool,
  file: string,
  { work, out, bzImage }: DiskOptions,
): Promise<void> {
  const loader = join(work, "syslinux.cfg");
  const lines = [
    "SERIAL 0 115200",
    "PROMPT 0",
    "DEFAULT linux",
    "LABEL linux",
    " LINUX vmlinuz",
    " INITRD initrd.img",
  ];
  await writeFile(loader, `${[...lines, ` APPEND ${commandLine} root=LABEL=guest-root`].join("\n")}\n`);
  await writeFile(file, Buffer.alloc(bootMib * 1024 * 1024));
  await run("mkfs.fat", ["-F", "16", "-n", "GUESTBOOT", "-i", "6e6f7661", file]);
  await run("mcopy", ["-i", file, bzImage, join(out, "initrd.img"), loader, "::"]);
  await run("syslinux", ["--install", file]);
}

async function makeRootPartition(run: RunTool, { file, work, tree }: PackOptions): Promise<void> {
  const directory = join(work, "root");
  await mkdir(directory);
  for (const entry of tree) {
    const path = join(directory, entry.path);
    await mkdir(entry.kind === "directory" ? path : dirname(path), { recursive: true, mode: 0o755 });
    if (entry.kind === "link") await symlink(entry.target, path);
    if (entry.kind === "file") await writeFile(path, entry.content, { mode: entry.mode });
  }
  await writeFile(file, Buffer.alloc(rootMib * 1024 * 1024));
  const identity = ["-L", "guest-root", "-U", "6e6f7661-6374-4000-8000-000000000001"];
  await run("mke2fs", ["-q", "-F", "-t", "ext4", ...identity, "-E", "root_owner=0:0", "-d", directory, file]);
}

async function writeManifest(out: string, { release, busybox }: Packages): Promise<void> {
  const bytes: Record<string, number> = {};
  for (const name of await readdir(out)) bytes[name] = (await stat(join(out, name))).size;
  const manifest: Manifest = { stamp: stampOfSources(), kernel: release, busybox, commandLine, bytes };
  await writeFile(join(out, "manifest.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** Checksum of every file in this folder: when none has changed, the guest would not change either. */
export function stampOfSources(): string {
  const hash = createHash("sha256");
  for (const each of readdirSync(import.meta.dirname, { recursive: true, withFileTypes: true })) {
    if (!each.isFile()) continue;
    hash.update(each.name).update(readFileSync(join(each.parentPath, each.name)));
  }
  return hash.digest("hex");
}
