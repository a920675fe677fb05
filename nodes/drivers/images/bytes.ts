/**
 * The port ImageBytes over a directory of files by checksum: the image store, or the cache of a host. It must
 * never open anything but a file whose name is a checksum.
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { ImageBytes, OpenImage } from "../../../actors/ports/image-bytes.ts";
import { isMissing } from "../durable-file.ts";

export function createImageBytes(directory: string): ImageBytes {
  return {
    open: async (sha256) => {
      if (!/^[0-9a-f]{64}$/.test(sha256)) return undefined;
      const file = await openFile(join(directory, sha256));
      return file && opened(file);
    },
  };
}

async function openFile(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function opened(file: FileHandle): Promise<OpenImage> {
  const { size: sizeBytes } = await file.stat();
  return {
    sizeBytes,
    async read(at, length) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
      return buffer.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}
