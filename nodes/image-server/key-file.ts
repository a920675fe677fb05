/**
 * The file with the cluster's key for tickets: made by whoever needs it first, and from then on the same for
 * all. It must never be readable by another user, nor be half written.
 */
import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { link, mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";

const keyBytes = 32;

/** @throws Error when the file is none of ours, or others can use it */
export async function openTicketKey(path: string): Promise<Buffer> {
  const there = await read(path);
  if (there !== undefined) return there;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}-${randomBytes(6).toString("hex")}.tmp`;
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(randomBytes(keyBytes));
    await file.sync();
    // A name that is taken stays whose it is: the key that was first is everybody's.
    await link(temporary, path).catch(unlessThere);
  } finally {
    await file.close();
    await rm(temporary, { force: true });
  }
  const made = await read(path);
  if (made === undefined) throw new Error("The key for image tickets is gone again.");
  return made;
}

async function read(path: string): Promise<Buffer | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    unlessMissing,
  );
  if (file === undefined) return undefined;
  try {
    refuseOpenToOthers(await file.stat(), path);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function refuseOpenToOthers(found: Stats, path: string): void {
  if (found.isFile() && found.size === keyBytes && (found.mode & 0o077) === 0) return;
  throw new Error(`${path} is no key for image tickets that only its owner can use: remove it.`);
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}
