/**
 * The files of uploads, in the directory `uploads` of the image store:
 *
 *   <uploadId>.json   its project, the bytes synced in which life of the computer, the sealed file
 *   <uploadId>.part   the bytes; its size is the next offset
 *
 * A process that dies leaves a part that is right to its end. A computer that dies may leave zeros behind
 * what was synced: then the part is cut there. A part must never be longer than what is right.
 */
import {
  chmod,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
} from "node:fs/promises";
import { join } from "node:path";
import type { SealedImage, UploadBegin, UploadStatus } from "../../../../actors/ports/image-uploads.ts";
import { isToken } from "../../../../protocol/wire/subjects.ts";
import { isMissing, writeDurably } from "../../durable-file.ts";

export interface UploadRecord extends UploadBegin {
  /** The life of the computer in which it was written last. */
  readonly bootId: string;
  readonly syncedBytes: number;
  readonly sealed: SealedImage | null;
  /** How many bytes were sent, once it is sealed: the part may be gone by then. */
  readonly sentBytes: number;
}

export const makeDirectory = async (directory: string): Promise<void> => {
  await mkdir(directory, { recursive: true, mode: 0o700 });
};

export const partPath = (directory: string, uploadId: string): string => pathOf(directory, uploadId, "part");

/** @throws Error for a name that would lead out of the directory: callers have checked it */
function pathOf(directory: string, uploadId: string, ending: string): string {
  if (!isToken(uploadId)) throw new Error("A name that is no token cannot name a file.");
  return join(directory, `${uploadId}.${ending}`);
}

/** Makes record and part. @throws Error for a name that is no token */
export async function makePart(directory: string, begin: UploadBegin): Promise<UploadRecord> {
  const record = { ...begin, bootId: await bootId(), syncedBytes: 0, sealed: null, sentBytes: 0 };
  const part = await open(partPath(directory, begin.uploadId), "a", 0o600);
  await part.close();
  await writeRecord(directory, record);
  return record;
}

export const writeRecord = (directory: string, record: UploadRecord): Promise<void> =>
  writeDurably(pathOf(directory, record.uploadId, "json"), JSON.stringify(record));

/** The record, with its part as long as it is right; undefined: there is no such upload. */
export async function readRecord(directory: string, uploadId: string): Promise<UploadRecord | undefined> {
  const text = await orMissing(readFile(pathOf(directory, uploadId, "json"), "utf8"));
  if (text === undefined) return undefined;
  const record = JSON.parse(text) as UploadRecord;
  const now = await bootId();
  if (record.bootId === now) return record;
  const path = partPath(directory, uploadId);
  const found = await orMissing(stat(path));
  if (found !== undefined && found.size > record.syncedBytes) await truncate(path, record.syncedBytes);
  const renewed = { ...record, bootId: now };
  await writeRecord(directory, renewed);
  return renewed;
}

/**
 * Undefined: its part is gone, and the file that was made of it is not kept. The part is looked for first: it
 * goes when the file has its name.
 */
export async function statusOf(
  directory: string,
  { sealed: made, sentBytes, uploadId, imageId, project, bytesMax, from }: UploadRecord,
  isKept: (sha256: string) => Promise<boolean>,
): Promise<UploadStatus | undefined> {
  const found = await orMissing(stat(partPath(directory, uploadId)));
  const sealed = made !== null && (await isKept(made.sha256)) ? made : null;
  if (found === undefined && sealed === null) return undefined;
  const written = found ?? (await orMissing(stat(pathOf(directory, uploadId, "json"))));
  if (written === undefined) return undefined;
  const nextOffset = sealed === null ? written.size : sentBytes;
  const said = { uploadId, imageId, project, ...(bytesMax === undefined ? {} : { bytesMax }) };
  return {
    ...said,
    ...(from === undefined ? {} : { from }),
    sealed,
    nextOffset,
    writtenAtMs: Math.trunc(written.mtimeMs),
  };
}

/** A seal that died has left it readable alone. */
export async function openPart(directory: string, uploadId: string): Promise<FileHandle | undefined> {
  const path = partPath(directory, uploadId);
  await orMissing(chmod(path, 0o600));
  return orMissing(open(path, "r+"));
}

/** Whoever seals is at work as well: nobody may sweep the part meanwhile. */
export async function touchPart(directory: string, uploadId: string): Promise<void> {
  const now = new Date();
  await orMissing(utimes(partPath(directory, uploadId), now, now));
}

/** Removes the bytes of a sealed upload whose image was converted: the store has the converted file. */
export const removeBytes = (directory: string, uploadId: string): Promise<void> =>
  rm(partPath(directory, uploadId), { force: true });

/** The record goes last: without it nobody would find the part. */
export async function removePart(directory: string, uploadId: string): Promise<void> {
  await removeBytes(directory, uploadId);
  await rm(pathOf(directory, uploadId, "json"), { force: true });
}

export async function uploadsIn(directory: string): Promise<readonly string[]> {
  const names = (await orMissing(readdir(directory))) ?? [];
  return names.flatMap((name) => {
    const [, uploadId = ""] = /^(.+)\.json$/.exec(name) ?? [];
    return isToken(uploadId) ? [uploadId] : [];
  });
}

let life: Promise<string> | undefined;

/** Of Linux: a new one whenever the computer starts. */
function bootId(): Promise<string> {
  life ??= readFile("/proc/sys/kernel/random/boot_id", "utf8").then((text) => text.trim());
  return life;
}

async function orMissing<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
