/**
 * Sends a file to an upload by its ticket, a piece at a time, from where its receiver goes on. The ticket
 * must never come into a log or an error.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import type { CopyWay } from "../../../actors/ports/disk-copies.ts";
import { type PeerError, StatusError } from "../../../protocol/wire/status.ts";
import { imageLimits } from "../images/limits.ts";
import { throwIfAborted } from "../waiting.ts";

export async function hashOf(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path, { signal })) hash.update(piece as Buffer);
  return hash.digest("hex");
}

interface Sending extends CopyWay {
  readonly sizeBytes: number;
  readonly signal: AbortSignal;
}

/** @throws what the receiver refused; imageElsewhere when it cannot be reached; AbortError */
export async function sendFrom(file: FileHandle, sending: Sending): Promise<void> {
  const { sizeBytes, signal } = sending;
  for (let offset = sending.nextOffset; offset < sizeBytes; ) {
    throwIfAborted(signal);
    const length = Math.min(imageLimits.copyPieceBytes, sizeBytes - offset);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
    if (bytesRead === 0) throw new StatusError("copyLost", "The copy of the disk is shorter than it was.");
    const next = await put(buffer.subarray(0, bytesRead), offset, sending);
    if (next <= offset) throw new StatusError("uploadOffset", "The upload goes on elsewhere.");
    offset = next;
  }
}

async function put(piece: Buffer, offset: number, { url, ticket, signal }: Sending): Promise<number> {
  const asked = fetch(url, {
    method: "PATCH",
    headers: { authorization: `Bearer ${ticket}`, "upload-offset": String(offset) },
    body: piece as Uint8Array<ArrayBuffer>,
    signal,
  });
  const response = await asked.catch((cause: unknown) => {
    throwIfAborted(signal);
    throw new StatusError("imageElsewhere", "The server for images cannot be reached.", { cause });
  });
  const body: unknown = await response.json().catch(() => undefined);
  const answer = typeof body === "object" && body !== null ? body : {};
  if ("error" in answer) throw StatusError.fromBody(answer.error as PeerError);
  const next = "nextOffset" in answer ? answer.nextOffset : undefined;
  if (response.ok && typeof next === "number") return next;
  throw new StatusError("imageElsewhere", "The server for images gave no answer of ours.");
}
