/**
 * The package as a stranger has it: packed from this checkout, installed into an empty directory of its own,
 * and nothing else in reach. With it the oldest line of Node that we promise, from its own package.
 */
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { after } from "mocha";
import { isOurs, root } from "../tidy/source-tree.ts";
import { skip } from "./services.ts";

const run = promisify(execFile);

/** Node's line 22 is the oldest with all that we need; the specs cannot have every release of it. */
const oldNodeVersion = "22.23.5";
const bytesMax = 16 * 1024 * 1024;

export interface PackageProject {
  readonly directory: string;
  /** Every file of the tarball, from the package's root. */
  readonly packed: readonly string[];
  /** Programs, by their major version. */
  readonly nodes: Readonly<Record<"22" | "24", string>>;
  /** Runs a module's text in the project; answers what it prints as JSON. @throws Error with what it wrote */
  evaluate(node: "22" | "24", code: string, environment?: Readonly<Record<string, string>>): Promise<unknown>;
  remove(): Promise<void>;
}

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Without npm's own variables: mocha may have been started by npm, for another project. The certificates that
 * the computer trusts stay: the registry may need them.
 */
const environment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      /^(?:npm_|NODE_(?!EXTRA_CA_CERTS$)|NOVACT_|INIT_CWD)/i.test(name) || value === undefined
        ? []
        : [[name, value]],
    ),
  );

async function npm(cwd: string, argv: readonly string[]): Promise<Ran> {
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  return run("npm", [...argv, ...quiet], { cwd, env: environment(), maxBuffer: bytesMax, timeout: 240_000 });
}

const unreachable = /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/;

/** Skips the spec when the registry cannot be reached; everything else that fails is a failure. */
export async function installPackages(
  context: Mocha.Context,
  cwd: string,
  packages: readonly string[],
): Promise<void> {
  try {
    await npm(cwd, ["install", "--prefer-offline", ...packages]);
  } catch (thrown) {
    const wrote = thrown instanceof Error && "stderr" in thrown ? String(thrown.stderr) : "";
    if (unreachable.test(wrote)) skip(context, "the package registry cannot be reached");
    throw new Error(`npm could not install ${packages.join(", ")}: ${wrote}`, { cause: thrown });
  }
}

/** Packs the package of a directory, without its scripts; answers the tarball. */
export const packPackage = (directory: string, place: string): Promise<string> =>
  pack(directory, place, ["--ignore-scripts"]);

async function pack(directory: string, place: string, options: readonly string[]): Promise<string> {
  const { stdout } = await npm(directory, ["pack", "--silent", "--pack-destination", place, ...options]);
  return join(place, stdout.trim().split("\n").at(-1) ?? "");
}

let packing: Promise<Packed> | undefined;

interface Packed {
  readonly place: string;
  readonly tarball: string;
}

after(async () => {
  const packed = await packing?.catch(() => undefined);
  if (packed !== undefined) await rm(packed.place, { recursive: true, force: true });
});

/**
 * Packs our own package as `npm pack` does, with its scripts, once in a run: in a copy, because packing
 * replaces build/, from which others in this checkout load at the same time.
 */
async function packOurs(): Promise<Packed> {
  const place = await realpath(await mkdtemp(join(tmpdir(), "novact-packed-")));
  const copy = join(place, "copy");
  await cp(root, copy, { recursive: true, filter: (path) => isOurs(path.slice(root.length + 1)) });
  await symlink(await realpath(join(root, "node_modules")), join(copy, "node_modules"));
  return { place, tarball: await pack(copy, place, []) };
}

/** Packs and installs. Skips the spec when the registry cannot be reached. */
export async function makePackageProject(context: Mocha.Context): Promise<PackageProject> {
  const place = await realpath(await mkdtemp(join(tmpdir(), "novact-package-")));
  const directory = join(place, "project");
  const old = join(place, "node-22");
  await Promise.all([directory, old].map((each) => run("mkdir", [each])));
  const manifest = JSON.stringify({ name: "stranger", private: true, type: "module" });
  await Promise.all([directory, old].map((each) => writeFile(join(each, "package.json"), manifest)));
  packing ??= packOurs();
  const { tarball } = await packing;
  const listed = await run("tar", ["--list", "--file", tarball], { maxBuffer: bytesMax });
  const platform = `node-linux-${process.arch}`;
  await installPackages(context, directory, [tarball]);
  await installPackages(context, old, [`${platform}@${oldNodeVersion}`]);
  const nodes = { 22: join(old, "node_modules", platform, "bin", "node"), 24: process.execPath };
  return {
    directory,
    packed: listed.stdout
      .trim()
      .split("\n")
      .map((path) => path.replace(/^package\//, "")),
    nodes,
    async evaluate(node, code, more = {}) {
      const argv = ["--input-type=module", "--eval", code];
      const env = { ...environment(), ...more };
      const options = { cwd: directory, env, timeout: 60_000, maxBuffer: bytesMax };
      return JSON.parse((await run(nodes[node], argv, options)).stdout);
    },
    remove: () => rm(place, { recursive: true, force: true }),
  };
}

/** What the package's own manifest says. */
export const installedManifest = async ({ directory }: PackageProject): Promise<unknown> =>
  JSON.parse(await readFile(join(directory, "node_modules/novact/package.json"), "utf8"));
