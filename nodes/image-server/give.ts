/**
 * Sends an image file, or a range of it: a piece at a time, each read only while the one before leaves, so
 * that a slow reader costs two pieces. It must never send a byte outside of the range.
 */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { OpenImage } from "../../actors/ports/image-bytes.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { imageServerLimits } from "./limits.ts";
import { type Pace, Patience, readToEnd } from "./patience.ts";
import { type ByteRange, rangeOf } from "./ranges.ts";

export interface Giving {
  readonly image: OpenImage;
  readonly sha256: string;
  readonly pace: Pace;
  /** Resolves when so many bytes may leave. Absent: at once. */
  readonly mayLeave?: ((bytes: number) => Promise<void>) | undefined;
  readonly left?: ((bytes: number) => void) | undefined;
}

/** @throws rangeInvalid before anything is sent; tooSlow, Error after: then the connection has to end */
export async function give(
  request: IncomingMessage,
  response: ServerResponse,
  giving: Giving,
): Promise<void> {
  const { image, sha256, pace } = giving;
  const { sizeBytes } = image;
  const range = rangeOf(request.headers.range, sizeBytes);
  const { from, to } = range ?? { from: 0, to: sizeBytes - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    "content-type": "application/octet-stream",
    "content-length": to - from + 1,
    "accept-ranges": "bytes",
    "cache-control": "no-store",
    etag: `"${sha256}"`,
    ...(range === undefined ? {} : { "content-range": `bytes ${from}-${to}/${sizeBytes}` }),
  });
  if (request.method !== "HEAD") await pump(response, { from, to }, giving);
  response.end();
  await readToEnd(response, pace);
}

async function pump(
  response: ServerResponse,
  { from, to }: ByteRange,
  { image, pace, mayLeave, left }: Giving,
): Promise<void> {
  const patience = new Patience(pace);
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const read = (at: number) => {
    const piece = at > to ? undefined : image.read(at, Math.min(imageServerLimits.pieceBytes, to - at + 1));
    // It is awaited later, or not at all when the reader has gone.
    piece?.catch(() => undefined);
    return piece;
  };
  let at = from;
  for (let coming = read(at); coming !== undefined; ) {
    const piece = await coming;
    if (piece.length === 0) throw new Error("The file ended while it was sent.");
    at += piece.length;
    // One piece ahead: the disk and the reader need not wait for each other.
    coming = read(at);
    await mayLeave?.(piece.length);
    if (response.destroyed) throw new Error("The reader has gone.");
    left?.(piece.length);
    if (response.write(piece)) continue;
    const drained = once(response, "drain", { signal: gone.signal });
    if ((await patience.wait(drained, () => piece.length)) === undefined)
      throw new StatusError("tooSlow", "The reader took too little.");
  }
}
