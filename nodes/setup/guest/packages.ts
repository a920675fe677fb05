/**
 * Packages of the distribution as sources of files: found, named and downloaded by apt, never installed. No
 * privileges needed.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type CommandOptions, mustRun, runCommand } from "../run-command.mjs";
import { updateLists } from "../system-packages.mjs";

const environment = { ...process.env, LC_ALL: "C.UTF-8" };

export interface Candidate {
  readonly version: string;
  readonly dependencies: readonly string[];
}

/** What goes with every use of apt: a listener for its news, and how it is ended. */
export interface AptOptions extends Pick<CommandOptions, "stop"> {
  readonly say: (text: string) => void;
}

/**
 * The version of a package that would be installed; reads the package lists anew when they do not have the
 * name. @throws Error
 */
export async function aptCandidate(name: string, options: AptOptions): Promise<Candidate> {
  const found = await look(name, options);
  if (found !== undefined) return found;
  await updateLists(options.say, options.stop);
  const again = await look(name, options);
  if (again === undefined) throw new Error(`The distribution has no package ${name}.`);
  return again;
}

async function look(name: string, { stop }: AptOptions): Promise<Candidate | undefined> {
  const asked = ["show", "--no-all-versions", name];
  const { stdout } = await runCommand("apt-cache", asked, { env: environment, stop });
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
  { say, stop }: AptOptions,
): Promise<readonly string[]> {
  const root = process.getuid?.() === 0 ? ["-o", "APT::Sandbox::User=root"] : [];
  const argv = ["-q", ...root, "-o", "Acquire::Retries=3", "download", ...names];
  const download = () => mustRun("apt-get", argv, { cwd: directory, env: environment, stop });
  try {
    await download();
  } catch (error) {
    if (!(error instanceof Error) || stop?.first.aborted === true) throw error;
    // The archive may have newer versions than the lists, and the older ones no longer.
    await updateLists(say, stop);
    await download();
  }
  return (await readdir(directory))
    .filter((name) => name.endsWith(".deb"))
    .map((name) => join(directory, name));
}
