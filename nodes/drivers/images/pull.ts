/**
 * Brings an image file to a host over HTTP: from one of several servers after the other, on from where a part
 * ends, hashed while it comes. A part that is complete has the image's checksum; whoever sent other bytes has
 * only cost time. It must never believe a server about anything but bytes.
 */
import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { chmod, type FileHandle, open } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import type { ImageFile } from "../../../protocol/image.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { type Pace, Patience } from "../../image-server/patience.ts";
import { abortError, throwIfAborted } from "../waiting.ts";
import { appendSparse } from "./sparse-file.ts";

/** A server that has the image: a controller, or a host that needed it before. */
export interface ImageOrigin {
  /** Without a slash at its end. */
  readonly url: string;
  readonly ticket: string;
}

export interface Pulling {
  readonly image: ImageFile;
  /** The best first. */
  readonly origins: readonly ImageOrigin[];
  /** May be there already, with the first bytes of the image. */
  readonly path: string;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

/**
 * Completes the part, and syncs it. @throws UNAVAILABLE imageMissing when no server has given the rest: the
 * part stays; checksumMismatch; the system's error when the disk is full; AbortError
 */
export async function pullImage(pulling: Pulling): Promise<void> {
  const { path, origins, image } = pulling;
  const file = await openPart(path);
  try {
    const first = await begun(file, pulling);
    if ((await pullFrom(origins, first, pulling)) === "whole") return await file.datasync();
    // Whose bytes were wrong nobody knows, when several gave some: so each is asked for all.
    for (const origin of origins) {
      await file.truncate(0);
      const again = { file, hash: createHash("sha256"), at: 0 };
      if ((await pullFrom([origin], again, pulling, "quiet")) === "whole") return await file.datasync();
    }
    await file.truncate(0);
    throw new StatusError(
      "checksumMismatch",
      `No server gave the image ${image.sha256.slice(0, 12)} as it is.`,
    );
  } finally {
    await file.close();
  }
}

/** An agent that died between the mode and the name of a whole copy has left it read-only. */
async function openPart(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EACCES")) throw error;
    await chmod(path, 0o600);
    return open(path, "r+");
  }
}

interface Part {
  readonly file: FileHandle;
  readonly hash: Hash;
  at: number;
}

const readBytes = 1024 * 1024;
const pieceBytes = 512 * 1024;

/** What is there already, hashed. */
async function begun(file: FileHandle, { image, signal }: Pulling): Promise<Part> {
  const { size } = await file.stat();
  if (size > image.sizeBytes) await file.truncate(0);
  const part: Part = { file, hash: createHash("sha256"), at: 0 };
  const end = size > image.sizeBytes ? 0 : size;
  const chunk = Buffer.allocUnsafe(readBytes);
  while (part.at < end) {
    throwIfAborted(signal);
    const { bytesRead } = await file.read(chunk, 0, Math.min(readBytes, end - part.at), part.at);
    if (bytesRead === 0) break;
    part.hash.update(chunk.subarray(0, bytesRead));
    part.at += bytesRead;
  }
  return part;
}

/** `quiet`: a server that fails is as one that gives other bytes. */
async function pullFrom(
  origins: readonly ImageOrigin[],
  part: Part,
  pulling: Pulling,
  quiet?: "quiet",
): Promise<"whole" | "wrong"> {
  const { image, signal } = pulling;
  let last: unknown;
  for (const origin of origins) {
    if (part.at === image.sizeBytes) break;
    try {
      await pullRest(origin, part, pulling);
    } catch (error) {
      if (signal.aborted) throw abortError();
      if (error instanceof WriteError) throw error.cause;
      last = error;
    }
  }
  if (part.at === image.sizeBytes) return part.hash.digest("hex") === image.sha256 ? "whole" : "wrong";
  if (quiet !== undefined) return "wrong";
  throw new StatusError("imageMissing", "The host gets the image from none of the servers that have it.", {
    cause: last,
  });
}

/** The part could not be written: sockets have errors of the same names. */
class WriteError extends Error {}

async function pullRest(origin: ImageOrigin, part: Part, { image, pace, signal }: Pulling): Promise<void> {
  const patience = new Patience(pace);
  const response = await answerOf(origin, { image, at: part.at, signal, patience });
  const gathered: Buffer[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    const piece = Buffer.concat(gathered.splice(0));
    bytes = 0;
    if (piece.length === 0) return;
    const written = appendSparse(part.file, piece, part.at).catch((cause: unknown) => {
      throw new WriteError("The part could not be written.", { cause });
    });
    // Meanwhile it is written.
    part.hash.update(piece);
    await written;
    part.at += piece.length;
  };
  try {
    const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (;;) {
      const come = await patience.wait(chunks.next(), ({ done, value }) => (done ? 0 : value.length));
      if (come === undefined) throw new Error("The server is too slow.");
      if (come.answer.done) break;
      gathered.push(come.answer.value);
      bytes += come.answer.value.length;
      if (part.at + bytes > image.sizeBytes) throw new Error("The server sends more than the image has.");
      if (bytes >= pieceBytes) await flush();
    }
  } finally {
    response.destroy();
    if (part.at + bytes <= image.sizeBytes) await flush();
  }
}

interface Question {
  readonly image: ImageFile;
  readonly at: number;
  readonly signal: AbortSignal;
  readonly patience: Patience;
}

/** The answer that has the bytes from `at` on. @throws Error for any other */
async function answerOf(
  origin: ImageOrigin,
  { image, at, signal, patience }: Question,
): Promise<IncomingMessage> {
  const request = httpRequest(`${origin.url}/v1/images/${image.sha256}`, {
    agent: false,
    signal,
    headers: { authorization: `Bearer ${origin.ticket}`, range: `bytes=${at}-` },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once("response", resolve);
    request.on("error", reject);
  });
  answered.catch(() => undefined);
  request.end();
  const come = await patience.wait(answered, () => 0);
  const range = `bytes ${at}-${image.sizeBytes - 1}/${image.sizeBytes}`;
  const { statusCode, headers } = come?.answer ?? {};
  if (come !== undefined && statusCode === 206 && headers?.["content-range"] === range) return come.answer;
  request.destroy();
  throw new Error(
    `The server answered ${statusCode ?? "nothing"}, and not with the bytes that were asked for.`,
  );
}
