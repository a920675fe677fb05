/**
 * Builds the cloud image of a real distribution: Debian, of the release that this computer runs, from its
 * packages, with cloud-init and an ssh server. The results: the disk, `SHA256SUMS` beside it, as archives of
 * images have it, and `manifest.json`, which says what it was made of and thus whether it is up to date.
 *
 * It must leave nothing in the image that two guests may not share: no keys of servers, no machine id.
 */
import { createHash } from "node:crypto";
import { createReadStream, readdirSync, readFileSync, statSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setupLimits } from "../limits.ts";
import { mustRun, runCommand, type Stop } from "../run-command.mjs";
import { makeCloudDisk, type RunTool } from "./disk.ts";
import { type Archives, archiveFormat, archivesIn } from "./packages.ts";
import { bootstrap, finishTree } from "./tree.ts";

const sumsFile = "SHA256SUMS";

/** What an image of it has to be registered with, and where it is. */
export interface Distribution {
  /** Absolute path of the disk. */
  readonly disk: string;
  readonly format: "qcow2";
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Such as `12`. */
  readonly version: string;
  readonly kernel: string;
}

interface Manifest extends Omit<Distribution, "disk"> {
  readonly file: string;
  readonly stamp: string;
}

/** The image, when it is there, whole, and of these sources. What is damaged counts as missing. */
export function findDistribution(directory: string): Distribution | undefined {
  const { file, stamp, sha256, sizeBytes, version, kernel } = manifestIn(directory);
  const isManifest = [file, stamp, sha256, version, kernel].every((one) => typeof one === "string");
  if (!isManifest || stamp !== stampOfDistribution()) return undefined;
  const disk = join(directory, basename(String(file)));
  if (statSync(disk, { throwIfNoEntry: false })?.size !== sizeBytes) return undefined;
  return {
    ...{ disk, format: "qcow2", sha256: String(sha256), sizeBytes: Number(sizeBytes) },
    ...{ version: String(version), kernel: String(kernel) },
  };
}

function manifestIn(directory: string): Readonly<Record<keyof Manifest, unknown>> {
  try {
    return Object(JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8")));
  } catch {
    // Missing or damaged: the image is built anew.
    return Object({});
  }
}

/** Errors that a person can cure, with the code that decides the exit code. */
const refused = (message: string): Error =>
  Object.assign(new Error(message), { code: "FAILED_PRECONDITION" });

/**
 * Builds the image; the directory is replaced as a whole at the end.
 * @throws Error that says what is missing or failed; the reason of `stop.first` when that is aborted
 */
export async function buildDistribution(
  directory: string,
  say: (text: string) => void,
  stop?: Stop,
): Promise<Distribution> {
  if (process.getuid?.() !== 0)
    throw refused("The tree of a distribution has files of several owners, so that only root can build it.");
  const run: RunTool = (program, argv) => mustRun(program, argv, { stop });
  await mkdir(dirname(directory), { recursive: true, mode: 0o711 });
  await removeLeftovers(directory);
  const work = await mkdtemp(`${directory}.`);
  try {
    const out = join(work, "out");
    await mkdir(out, { mode: 0o755 });
    const archives = await archivesHere(stop);
    say(`Debian ${archives.version} (${archives.suite}) from its packages`);
    const tree = await bootstrap(work, archives, { say, stop });
    await finishTree(tree);
    say("the disk");
    const file = `debian-${archives.version}-amd64.qcow2`;
    const disk = join(out, file);
    const kernel = await makeCloudDisk(run, { work, tree, file: disk });
    await chmod(disk, 0o644);
    stop?.first.throwIfAborted();
    await writeManifest(out, { file, version: archives.version, kernel, format: "qcow2" });
    await rm(directory, { recursive: true, force: true });
    await rename(out, directory);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const built = findDistribution(directory);
  if (built === undefined) throw new Error(`The image in ${directory} is not there after its build.`);
  return built;
}

/** Removes the files of builds that were cut off. */
async function removeLeftovers(directory: string): Promise<void> {
  const parent = dirname(directory);
  const leftovers = readdirSync(parent).filter((name) => name.startsWith(`${basename(directory)}.`));
  await Promise.all(leftovers.map((name) => rm(join(parent, name), { recursive: true, force: true })));
}

/** @throws Error when this computer is no Debian */
async function archivesHere(stop: Stop | undefined): Promise<Archives> {
  const argv = ["indextargets", "--format", archiveFormat, "Created-By: Packages"];
  const found = await runCommand("apt-get", argv, { stop }).catch(() => undefined);
  stop?.first.throwIfAborted();
  const archives = archivesIn(found?.stdout ?? "");
  if (archives !== undefined) return archives;
  throw refused(
    "The image is built of Debian's packages for amd64, and apt knows none here: apt-get update, on a Debian.",
  );
}

async function writeManifest(
  out: string,
  made: Omit<Manifest, "stamp" | "sha256" | "sizeBytes">,
): Promise<void> {
  const disk = join(out, made.file);
  const hash = createHash("sha256");
  await pipeline(createReadStream(disk), hash);
  const sha256 = hash.digest("hex");
  const manifest: Manifest = {
    ...made,
    sha256,
    sizeBytes: (await stat(disk)).size,
    stamp: stampOfDistribution(),
  };
  await writeFile(join(out, sumsFile), `${sha256} *${made.file}\n`, { mode: 0o644 });
  await writeFile(join(out, "manifest.json"), `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o644 });
}

/** Checksum of every file in this folder: when none has changed, the image counts as up to date. */
export function stampOfDistribution(): string {
  const hash = createHash("sha256").update(String(setupLimits.distributionDiskMib));
  const files = readdirSync(import.meta.dirname, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
  for (const file of files) hash.update(file.slice(import.meta.dirname.length)).update(readFileSync(file));
  return hash.digest("hex");
}
