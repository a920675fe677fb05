/**
 * Opens a file that somebody wants registered, if it lies in one of the directories that image files may come
 * from. The refusal says which of its causes it is, with the directories: only operators register images. But
 * what lies outside of these directories must never be told, not even whether it is there.
 */
import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, readlink, realpath } from "node:fs/promises";
import { dirname, isAbsolute, normalize, sep } from "node:path";
import { StatusError } from "../../../protocol/wire/status.ts";
import { imageLimits } from "./limits.ts";

const refusal = (why: string): StatusError =>
  new StatusError("unusableImage", `The image cannot be used: ${why}.`);

/**
 * Opens the file and then proves from the open file where it is: a link that is swapped in between gains
 * nothing. `sources`: directories from which, with everything below them, files may be taken.
 * @throws INVALID_ARGUMENT unusableImage
 */
export async function openAllowed(path: string, sources: readonly string[]): Promise<FileHandle> {
  if (!isAbsolute(path) || normalize(path) !== path)
    throw refusal("its path must begin with / and be without . and ..");
  const roots = await realRoots(sources);
  const named = [...sources, ...roots];
  if (!isBelow(path, named)) throw refusal(outside(sources));
  const there = await nearestOf(path);
  // Else the directory itself is not there (yet).
  if (isIn(there, named) && !isIn(await realOf(there), roots)) throw refusal(leadsOut(path));
  const file = await openOrRefuse(path);
  try {
    const real = await readlink(`/proc/self/fd/${file.fd}`);
    if (!isBelow(real, roots)) throw refusal(leadsOut(path));
    const found = await file.stat();
    if (found.isFile()) return file;
    throw refusal(`${path} is no ordinary file but ${kindOf(found)}`);
  } catch (error) {
    await file.close();
    throw error;
  }
}

const isBelow = (path: string, directories: readonly string[]): boolean =>
  directories.some((one) => path.startsWith(one.endsWith(sep) ? one : one + sep));

/** As isBelow; a directory is in itself, too. */
const isIn = (path: string | undefined, directories: readonly string[]): boolean =>
  path !== undefined && isBelow(path + sep, directories);

function outside(sources: readonly string[]): string {
  if (sources.length === 0) return "there is no directory that images may come from";
  const { sourcesNamedMax } = imageLimits;
  const more = sources.length > sourcesNamedMax ? ` and ${sources.length - sourcesNamedMax} more` : "";
  const named = sources.slice(0, sourcesNamedMax).join(", ");
  return `it is in none of the directories that images may come from: ${named}${more}`;
}

/** One error text for links to files that exist and to files that do not. */
const leadsOut = (path: string): string =>
  `${path} is behind a link that leads nowhere, or out of the directories that images may come from`;

/** As much of the path as is there. */
async function nearestOf(path: string): Promise<string> {
  try {
    await lstat(path);
    return path;
  } catch {
    // Why it cannot be seen is told when it is opened.
    return nearestOf(dirname(path));
  }
}

/** Undefined: a link that leads nowhere. */
const realOf = (path: string): Promise<string | undefined> => realpath(path).catch(() => undefined);

async function openOrRefuse(path: string): Promise<FileHandle> {
  try {
    const real = await realpath(path);
    // O_NONBLOCK: opening a pipe must not wait for a writer.
    return await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw refusal(whyClosed[code]?.(path) ?? `${path} cannot be opened (${code})`);
  }
}

/** Source of the codes: open(2). */
const whyClosed: Readonly<Record<string, (path: string) => string>> = {
  ENOENT: (path) => `there is no file ${path} on the computer of the controller`,
  ENOTDIR: (path) => `there is no file ${path} on the computer of the controller`,
  EACCES: (path) => `the user who runs the controller may not read ${path}`,
  EPERM: (path) => `the user who runs the controller may not read ${path}`,
  ELOOP: leadsOut,
  ENXIO: (path) => `${path} is no ordinary file`,
};

function kindOf(found: Stats): string {
  if (found.isDirectory()) return "a directory";
  return found.isFIFO() ? "a pipe" : "a device or the like";
}

async function realRoots(sources: readonly string[]): Promise<readonly string[]> {
  const roots = await Promise.all(sources.map(realOf));
  return roots.filter((root) => root !== undefined);
}
