/**
 * Packages of the distribution as sources of files: found, named and downloaded by apt, never installed. No
 * privileges needed.
 */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { updateLists } from "../system-packages.mjs";

const run = promisify(execFile);
const environment = { ...process.env, LC_ALL: "C.UTF-8" };

export interface Candidate {
  readonly version: string;
  readonly dependencies: readonly string[];
}

/**
 * The version of a package that would be installed; reads the package lists anew when they do not have the
 * name. @throws Error
 */
export async function aptCandidate(name: string): Promise<Candidate> {
  const found = await look(name);
  if (found !== undefined) return found;
  await updateLists(() => undefined);
  const again = await look(name);
  if (again === undefined) throw new Error(`The distribution has no package ${name}.`);
  return again;
}

async function look(name: string): Promise<Candidate | undefined> {
  const { stdout } = await run("apt-cache", ["show", "--no-all-versions", name], { env: environment }).catch(
    () => ({
      stdout: "",
    }),
  );
  const field = (key: string) => new RegExp(`^${key}: (.*)$`, "m").exec(stdout)?.[1];
  const version = field("Version");
  if (version === undefined) return undefined;
  const dependencies = (field("Depends") ?? "").split(",").map((each) => each.trim().split(/[ (]/)[0] ?? "");
  return { version, dependencies };
}

/** Downloads packages; answers the paths of their archives. @throws Error with the output of apt-get */
export async function downloadPackages(
  names: readonly string[],
  directory: string,
): Promise<readonly string[]> {
  const root = process.getuid?.() === 0 ? ["-o", "APT::Sandbox::User=root"] : [];
  const argv = ["-q", ...root, "-o", "Acquire::Retries=3", "download", ...names];
  const download = () => run("apt-get", argv, { cwd: directory, env: environment });
  try {
    await download();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // The archive may have newer versions than the lists, and the older ones no longer.
    await updateLists(() => undefined);
    await download();
  }
  return (await readdir(directory))
    .filter((name) => name.endsWith(".deb"))
    .map((name) => join(directory, name));
}
