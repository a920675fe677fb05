/** Copies a registered file while its checksum is computed: what is used is what was verified. */
import { createHash } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { StatusError } from "novact/plugin";
import { isMissing } from "./guest-files.ts";

export interface RegisteredFile {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Overwrites `target`; leaves nothing when it fails. @throws imageMissing, checksumMismatch, AbortError */
export async function copyVerified(
  imageStore: string,
  { sha256, sizeBytes }: RegisteredFile,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const partial = `${target}.part`;
  try {
    const copied = await copy(join(imageStore, named(sha256)), partial, sizeBytes, signal);
    if (copied !== sha256)
      throw new StatusError(
        "checksumMismatch",
        `The image file ${sha256} has other content than was registered.`,
      );
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
}

function named(sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error("A checksum of other characters cannot name a file.");
  return sha256;
}

/** Never more than the registered size. Answers the checksum of what was copied. */
async function copy(source: string, target: string, bytesMax: number, signal: AbortSignal): Promise<string> {
  const from = await open(source, "r").catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    throw new StatusError("imageMissing", "The image file is not in the image store.");
  });
  const hash = createHash("sha256");
  try {
    const to = await open(target, "w", 0o600);
    try {
      const stream = from.createReadStream({ autoClose: false, start: 0, end: bytesMax, signal });
      for await (const chunk of stream) {
        hash.update(chunk);
        await to.writeFile(chunk);
      }
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
  return hash.digest("hex");
}
