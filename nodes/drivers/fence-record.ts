/**
 * What a guard has to know of a guest beside its cgroup: the directory of its disk, which vanishes when
 * another host has taken the disk over. Written by the agent before the guest starts, into the guest's
 * directory, where the guest cannot write. A guest whose record is missing is never continued by it: the
 * guard then goes by what the process shows of itself. The guard's process uses this file, so it must import
 * nothing large.
 */
import { readFile, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const fileName = "fence.json";

interface Fenced {
  readonly instanceId: string;
  readonly ownerEpoch: number;
}

/**
 * `disk`: the file of the root disk. A record of the same content stays as it is; another is replaced as a
 * whole. @throws the file system's error
 */
export function writeFence(
  directory: string,
  { instanceId, ownerEpoch, fence }: Fenced & { readonly fence?: boolean | undefined },
  disk: string | undefined,
): void {
  if (fence !== true) return;
  const content = { instanceId, ownerEpoch, directory: diskDirectory({ instanceId, ownerEpoch }, disk) };
  replaceFile(join(directory, fileName), JSON.stringify(content));
}

function replaceFile(path: string, text: string): void {
  if (isContent(path, text)) return;
  const temporary = `${path}.new`;
  try {
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function isContent(path: string, text: string): boolean {
  try {
    return readFileSync(path, "utf8") === text;
  } catch {
    // A record that is missing or unreadable is written anew.
    return false;
  }
}

/** The directory that is the disk's own, by its name; null: the disk is not one that others can take over. */
export function diskDirectory({ instanceId, ownerEpoch }: Fenced, disk: string | undefined): string | null {
  const directory = disk === undefined ? "" : dirname(disk);
  return basename(directory) === `${instanceId}.e${ownerEpoch}` ? directory : null;
}

/** Undefined: there is no record of this owner epoch. */
export function readFence(
  guests: string,
  { instanceId, ownerEpoch }: Fenced,
): Promise<{ readonly directory: string | null } | undefined> {
  return new Promise((resolve) => {
    readFile(join(guests, instanceId, fileName), "utf8", (error, text) =>
      resolve(error === null ? parsed(text, { instanceId, ownerEpoch }) : undefined),
    );
  });
}

function parsed(text: string, wanted: Fenced): { readonly directory: string | null } | undefined {
  try {
    const { instanceId, ownerEpoch, directory } = Object(JSON.parse(text));
    if (instanceId !== wanted.instanceId || ownerEpoch !== wanted.ownerEpoch) return undefined;
    return typeof directory === "string" || directory === null ? { directory } : undefined;
  } catch {
    // Half written, or damaged.
    return undefined;
  }
}
