/**
 * Takes the body of an upload: a piece at a time, each written while the next is read, so that memory is
 * bounded by two pieces. What has arrived stays when the client is cut off. It must never take more bytes
 * than were said.
 */
import type { IncomingMessage } from "node:http";
import type { ImageUploads } from "../../actors/ports/image-uploads.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { imageServerLimits } from "./limits.ts";
import { type Pace, Patience } from "./patience.ts";
import type { Placed } from "./ranges.ts";

export interface Receiving extends Placed {
  readonly uploads: Pick<ImageUploads, "status" | "write">;
  readonly uploadId: string;
  readonly pace: Pace;
}

/** Answers the next offset. @throws the errors of ImageUploads.write, bodyTooLarge, tooSlow */
export async function receive(body: IncomingMessage, receiving: Receiving): Promise<number> {
  const { uploads, uploadId, offset } = receiving;
  await refuseBefore(body, receiving);
  const gathered = new Gathered();
  let at = offset;
  let writing: Promise<unknown> = Promise.resolve();
  /** A body is read one piece ahead of what is written. */
  const flush = async (): Promise<void> => {
    await writing;
    const piece = gathered.take();
    if (piece.length === 0) return;
    writing = uploads.write(uploadId, at, piece);
    // It is awaited before the next one, and at the end.
    writing.catch(() => undefined);
    at += piece.length;
  };
  try {
    for await (const bytes of pacedBody(body, receiving)) {
      gathered.add(bytes);
      if (gathered.bytes >= imageServerLimits.pieceBytes) await flush();
    }
  } finally {
    await flush();
    await writing;
  }
  return (await uploads.status(uploadId))?.nextOffset ?? at;
}

/** What can be refused before a byte is read. */
async function refuseBefore(body: IncomingMessage, receiving: Receiving): Promise<void> {
  const { uploads, uploadId, offset, sizeBytes } = receiving;
  const said = Number(body.headers["content-length"] ?? 0);
  if (sizeBytes !== undefined && said > sizeBytes) throw tooLong();
  const status = await uploads.status(uploadId);
  if (status === null) throw new StatusError("notFound", "There is no such upload (any more).");
  const { nextOffset } = status;
  if (offset <= nextOffset) return;
  throw new StatusError("uploadOffset", `The upload goes on at byte ${nextOffset}.`, {
    details: { nextOffset },
  });
}

async function* pacedBody(body: IncomingMessage, { sizeBytes, pace }: Receiving): AsyncGenerator<Buffer> {
  const patience = new Patience(pace);
  // What was refused is still read for a moment: the stream must outlive its reader here.
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  let taken = 0;
  try {
    for (;;) {
      const come = await patience.wait(chunks.next(), ({ done, value }) => (done ? 0 : value.length));
      if (come === undefined) throw new StatusError("tooSlow", "The body came too slowly; go on from here.");
      const { done, value } = come.answer;
      if (done) return;
      taken += value.length;
      if (sizeBytes !== undefined && taken > sizeBytes) throw tooLong();
      yield value;
    }
  } finally {
    // Not awaited: it ends when the next chunk comes, and there may be none.
    void chunks.return?.().catch(() => undefined);
  }
}

const tooLong = () => new StatusError("bodyTooLarge", "The body is longer than was said.");

class Gathered {
  bytes = 0;
  #chunks: Buffer[] = [];

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.bytes += chunk.length;
  }

  take(): Buffer {
    const [only] = this.#chunks;
    const piece = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.bytes = 0;
    return piece;
  }
}
