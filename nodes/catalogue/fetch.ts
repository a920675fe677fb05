/**
 * Fetches the file of an image: streamed to the disk, hashed as it comes, on from where an earlier fetch
 * stopped, and never more than it may have. A file under its final name has the checksum of its entry; what
 * was fetched of it before is a part beside it, which nobody else uses.
 */
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Checksum, Entry } from "./entry.ts";
import { ask, refusal, shownUrl, unreadable } from "./http.ts";
import { catalogueLimits } from "./limits.ts";

export interface Fetching {
  /** With a URL and a checksum. */
  readonly entry: Entry;
  /** Made when it is missing. */
  readonly directory: string;
  /** Certificates of its source. */
  readonly ca?: string | undefined;
  readonly signal: AbortSignal;
  /** Hears how many bytes are there, and of how many. */
  readonly progress: (bytes: number, of: number | undefined) => void;
}

interface Wanted extends Omit<Fetching, "entry" | "directory"> {
  readonly url: string;
  readonly checksum: Checksum;
  readonly bytesMax: number;
  /** Of the whole, where the source says it. */
  readonly sizeBytes: number | null;
}

/**
 * Answers the path of the file.
 * @throws StatusError catalogueUnreadable: what came stays for the next time; checksumMismatch, diskFull,
 * catalogueRefused; the signal's reason when it is aborted
 */
export async function fetchImage({ entry, directory, ...how }: Fetching): Promise<string> {
  const { url, checksum, sizeBytes, format } = entry;
  if (url === null || checksum === null)
    throw refusal(`The image ${entry.name} is not fetched from anywhere.`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const part = join(directory, `${checksum.digest}.part`);
  const whole = join(directory, `${checksum.digest}.${format}`);
  const bytesMax = sizeBytes ?? catalogueLimits.fetchedBytesMax;
  const file = await openPart(part);
  try {
    await complete(file, { ...how, url, checksum, bytesMax, sizeBytes });
    await file.datasync();
  } catch (error) {
    how.signal.throwIfAborted();
    if (isOfBytes(error)) await rm(part, { force: true });
    throw isFull(error)
      ? new StatusError("diskFull", `No space is left for ${part}.`, { cause: error })
      : error;
  } finally {
    await file.close();
  }
  await rename(part, whole);
  return whole;
}

/** What is there already is kept: opening for appending makes what is missing, and truncates nothing. */
async function openPart(path: string): Promise<FileHandle> {
  await (await open(path, "a", 0o600)).close();
  return open(path, "r+");
}

const isOfBytes = (error: unknown): boolean =>
  error instanceof StatusError && ["checksumMismatch", "catalogueRefused"].includes(error.reason);
const isFull = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");

/** @throws StatusError */
async function complete(file: FileHandle, wanted: Wanted): Promise<void> {
  const kept = (await file.stat()).size;
  const begun = await hashed(file, kept > wanted.bytesMax ? 0 : kept, wanted);
  if (await isRight(file, begun, wanted)) return;
  // Bytes of an earlier fetch may be those of an older file: once, all of it is fetched anew.
  const anew =
    begun.at > 0 && (await isRight(file, { at: 0, hash: createHash(wanted.checksum.algorithm) }, wanted));
  if (anew) return;
  const { algorithm } = wanted.checksum;
  throw new StatusError(
    "checksumMismatch",
    `What ${shownUrl(new URL(wanted.url))} gives has another ${algorithm} than its source says.`,
  );
}

interface Part {
  at: number;
  hash: Hash;
}

const readBytes = 1024 * 1024;

async function hashed(file: FileHandle, bytes: number, { checksum, signal }: Wanted): Promise<Part> {
  const part: Part = { at: 0, hash: createHash(checksum.algorithm) };
  const chunk = Buffer.allocUnsafe(readBytes);
  while (part.at < bytes) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(chunk, 0, Math.min(readBytes, bytes - part.at), part.at);
    if (bytesRead === 0) break;
    part.hash.update(chunk.subarray(0, bytesRead));
    part.at += bytesRead;
  }
  return part;
}

/** Fetches the rest; whether the whole has the checksum. */
async function isRight(file: FileHandle, begun: Part, wanted: Wanted): Promise<boolean> {
  const part: Part = { ...begun };
  for (let tries = 0; ; tries += 1) {
    const before = part.at;
    try {
      if (await fetchRest(file, part, wanted)) break;
    } catch (error) {
      const mayGoOn = error instanceof StatusError && error.reason === "catalogueUnreadable";
      if (!mayGoOn || part.at === before || tries >= catalogueLimits.resumesMax) throw error;
    }
  }
  await file.truncate(part.at);
  return part.hash.digest("hex") === wanted.checksum.digest;
}

/** True: it is all there. @throws StatusError catalogueUnreadable, catalogueRefused */
async function fetchRest(file: FileHandle, part: Part, wanted: Wanted): Promise<boolean> {
  const { url, sizeBytes, signal } = wanted;
  if (sizeBytes !== null && part.at === sizeBytes) return true;
  const from = part.at === 0 ? {} : { from: part.at };
  const answer = await ask({ url, isBelieved: false, ca: wanted.ca, signal, ...from });
  const { statusCode, headers } = answer;
  try {
    // The file ends where the part ends.
    if (statusCode === 416) return true;
    if (statusCode === 206 && !String(headers["content-range"]).startsWith(`bytes ${part.at}-`))
      throw unreadable(`${shownUrl(new URL(url))} answers with other bytes than those that were asked for.`);
    if (statusCode === 200) Object.assign(part, { at: 0, hash: createHash(wanted.checksum.algorithm) });
    await take(answer, file, part, wanted);
  } finally {
    answer.destroy();
  }
  return true;
}

async function take(
  answer: AsyncIterable<Buffer> & { readonly headers: NodeJS.Dict<string | string[]> },
  file: FileHandle,
  part: Part,
  { url, bytesMax, sizeBytes, progress, signal }: Wanted,
): Promise<void> {
  const length = Number(answer.headers["content-length"]);
  const of = sizeBytes ?? (Number.isSafeInteger(length) ? part.at + length : undefined);
  const shown = shownUrl(new URL(url));
  try {
    for await (const chunk of answer) {
      if (part.at + chunk.length > bytesMax) throw refusal(`${shown} has more bytes than it may have.`);
      await file.write(chunk, 0, chunk.length, part.at);
      part.hash.update(chunk);
      part.at += chunk.length;
      progress(part.at, of);
    }
  } catch (error) {
    if (error instanceof StatusError || isFull(error) || signal.aborted) throw error;
    throw unreadable(`${shown} ended before its end.`, error);
  }
  if (of !== undefined && part.at < of) throw unreadable(`${shown} ended before its end.`);
}
