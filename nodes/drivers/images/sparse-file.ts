/**
 * Writes bytes at the end of a file so that blocks of zeros become holes. The file's size must always say how
 * far its content is right, whenever the process dies: it is what an upload goes on from.
 */
import type { FileHandle } from "node:fs/promises";

const blockBytes = 64 * 1024;
const zeros = Buffer.alloc(blockBytes);

/** `position`: the end of the file; never before it. */
export async function appendSparse(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let from = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + blockBytes - ((position + at) % blockBytes));
    if (isZero(bytes.subarray(at, end))) {
      await writeAll(file, bytes.subarray(from, at), position + from);
      from = end;
    }
    at = end;
  }
  await writeAll(file, bytes.subarray(from), position + from);
  if (from === bytes.length && from > 0) await file.truncate(position + bytes.length);
}

const isZero = (bytes: Uint8Array): boolean => Buffer.compare(bytes, zeros.subarray(0, bytes.length)) === 0;

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
