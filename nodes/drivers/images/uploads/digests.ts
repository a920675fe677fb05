/**
 * The three checksums of an image, taken in one pass. It must never be told a checksum that it did not see.
 */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { Digests, SealRequest } from "../../../../actors/ports/image-uploads.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { throwIfAborted } from "../../waiting.ts";

const algorithms = ["sha256", "sha512", "md5"] as const;
/** Each of the hashes takes its time in the process that answers requests: a chunk is about a millisecond. */
const chunkBytes = 256 * 1024;

export interface Hashing {
  update(bytes: Uint8Array): void;
  digest(): Digests;
}

export function hashing(): Hashing {
  const hashes = algorithms.map((algorithm) => createHash(algorithm));
  return {
    update: (bytes) => {
      for (const hash of hashes) hash.update(bytes);
    },
    digest: () => {
      const [sha256 = "", sha512 = "", md5 = ""] = hashes.map((hash) => hash.digest("hex"));
      return { sha256, sha512, md5 };
    },
  };
}

/** Of the first `sizeBytes` of the file. @throws AbortError; Error when it is shorter */
export async function digestsOf(
  file: FileHandle,
  { sizeBytes, signal }: { readonly sizeBytes: number; readonly signal: AbortSignal },
): Promise<Digests> {
  const taken = hashing();
  const chunk = Buffer.allocUnsafe(chunkBytes);
  for (let at = 0; at < sizeBytes; ) {
    throwIfAborted(signal);
    const { bytesRead } = await file.read(chunk, 0, Math.min(chunkBytes, sizeBytes - at), at);
    if (bytesRead === 0) throw new Error("The file ended while it was read.");
    taken.update(chunk.subarray(0, bytesRead));
    at += bytesRead;
  }
  return taken.digest();
}

/** @throws INVALID_ARGUMENT checksumMismatch */
export function checkDigests(found: Digests, wanted: Partial<Digests>): void {
  for (const algorithm of algorithms) {
    const named = wanted[algorithm];
    if (named === undefined || named.toLowerCase() === found[algorithm]) continue;
    throw new StatusError(
      "checksumMismatch",
      `The ${algorithm} of what was sent is not the one that was named.`,
    );
  }
}

export const namesDigest = (request: SealRequest): boolean =>
  algorithms.some((algorithm) => request[algorithm] !== undefined);
