/**
 * Brings an image file to a host over HTTP: from one of several servers after the other, on from where a part
 * ends, hashed while it comes. A part that is complete has the image's checksum (whole.ts). It must never
 * believe a server about anything but bytes.
 */
import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { chmod, type FileHandle, open } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import type { ImageFile } from "../../../protocol/image.ts";
import { type Pace, Patience } from "../../image-server/patience.ts";
import { throwIfAborted } from "../waiting.ts";
import { imageLimits } from "./limits.ts";
import { appendSparse } from "./sparse-file.ts";
import {
  BusyError,
  type ImageOrigin,
  type ImagePart,
  type Making,
  makeWhole,
  NotKeptError,
} from "./whole.ts";

export interface Pulling extends Pick<Making, "image" | "origins" | "signal"> {
  /** May be there already, with the first bytes of the image. */
  readonly path: string;
  readonly pace: Pace;
  /** Of hosts. Absent: the usual one. */
  readonly peerPace?: Pace;
  /** Absent: nobody remembers. */
  readonly noted?: Making["noted"];
  /** So many bytes came from the server. */
  readonly came?: (origin: ImageOrigin, bytes: number) => void;
}

/** Completes the part, and syncs it. @throws as makeWhole; the system's error when the disk is full */
export async function pullImage(pulling: Pulling): Promise<void> {
  const { path, image, origins, signal, noted = () => undefined } = pulling;
  const file = await openPart(path);
  try {
    const part = await begun(file, pulling);
    const bring = (origin: ImageOrigin) => pullRest(origin, part, pulling);
    await makeWhole({ image, origins, part, signal, bring, noted });
    await file.datasync();
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

class Part implements ImagePart {
  readonly file: FileHandle;
  hash: Hash = createHash("sha256");
  at = 0;

  constructor(file: FileHandle) {
    this.file = file;
  }

  async clear(): Promise<void> {
    await this.file.truncate(0);
    this.hash = createHash("sha256");
    this.at = 0;
  }

  digest(): string {
    return this.hash.digest("hex");
  }
}

const readBytes = 1024 * 1024;
const pieceBytes = 512 * 1024;

/** What is there already, hashed. */
async function begun(file: FileHandle, { image, signal }: Pulling): Promise<Part> {
  const { size } = await file.stat();
  if (size > image.sizeBytes) await file.truncate(0);
  const part = new Part(file);
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

/** A host that is slow is left for another server soon: none but controllers has to be waited for. */
const usualPeerPace: Pace = {
  quietMsMax: imageLimits.peerQuietMsMax,
  bytesPerMsMin: imageLimits.peerBytesPerMsMin,
};

const paceOf = ({ hostId }: ImageOrigin, { pace, peerPace = usualPeerPace }: Pulling): Pace =>
  hostId === undefined ? pace : peerPace;

async function pullRest(origin: ImageOrigin, part: Part, pulling: Pulling): Promise<void> {
  const { image, signal, came } = pulling;
  const patience = new Patience(paceOf(origin, pulling));
  const response = await answerOf(origin, { image, at: part.at, signal, patience });
  const gathered: Buffer[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    const piece = Buffer.concat(gathered.splice(0));
    bytes = 0;
    if (piece.length === 0) return;
    const written = appendSparse(part.file, piece, part.at).catch((cause: unknown) => {
      throw new NotKeptError("The part could not be written.", { cause });
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
      came?.(origin, come.answer.value.length);
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
  if (statusCode === 429) throw new BusyError("The server gives the image to as many as it may.");
  throw new Error(
    `The server answered ${statusCode ?? "nothing"}, and not with the bytes that were asked for.`,
  );
}
