/**
 * Files that are either whole or absent: written under a temporary name, synced, renamed, and the rename
 * synced as well. This file must never leave a partial file under its final name, whenever the process or the
 * computer dies.
 */
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { StatusError } from "../../protocol/wire/status.ts";

/**
 * A name beside `path` that nobody else uses. A file that is left over under such a name may always be
 * removed.
 */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}-${randomBytes(6).toString("hex")}.tmp`;
}

export const isTemporaryName = (name: string): boolean => name.endsWith(".tmp");

/** Writes the file durably. @throws RESOURCE_EXHAUSTED diskFull */
export async function writeDurably(path: string, content: string): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(content);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw diskError(error, "Writing a file of the host's state");
  }
}

/** Makes renames and removals in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * The error to throw: a full disk (or quota) gets its own reason, because an operator can cure it; any other
 * error passes unchanged.
 */
export function diskError(error: unknown, attempted: string): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new StatusError("diskFull", `${attempted} failed: no space is left on the host.`, { cause: error });
}

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");

export const isDiskFull = (error: unknown): boolean =>
  error instanceof StatusError && error.reason === "diskFull";
