/**
 * Where the guard of a host finds the cgroups of its guests: the file that the agent writes into the guard's
 * directory, one path a line. Paths stay there while their directories exist, because guests outlive agents.
 * The guard's process uses this file, so it must import nothing large.
 */
import { existsSync, mkdirSync, readFile, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const fileName = "groups";

/**
 * `directory`: the guard's. `group`: the host's cgroup, of version 2. Without the file the guard goes by
 * processes. @throws the file system's error
 */
export function writeGuardGroups(directory: string, group: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, fileName);
  const known = existsSync(file) ? pathsIn(readFileSync(file, "utf8")) : [];
  if (known.includes(group)) return;
  const kept = [...known.filter((one) => existsSync(one)), group];
  try {
    writeFileSync(`${file}.new`, `${kept.join("\n")}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    rmSync(`${file}.new`, { force: true });
    throw error;
  }
}

/** The host's cgroups; none: there is no such file yet. Undefined: it cannot be read. */
export function readGuardGroups(directory: string): Promise<readonly string[] | undefined> {
  return new Promise((resolve) => {
    readFile(join(directory, fileName), "utf8", (error, text) => {
      if (error === null) resolve(pathsIn(text));
      else resolve(error.code === "ENOENT" ? [] : undefined);
    });
  });
}

const pathsIn = (text: string): readonly string[] => text.split("\n").filter((one) => one !== "");
