/**
 * Frames on their way to one guest: those of one moment are written at once. A guest that does not read has
 * its frames dropped, and only its own; what waits for it is bounded. Nobody takes more than half of the room
 * that others have left, so that there is always some for who sends it little.
 */
import type { Socket } from "node:net";
import { frameBytesMax, lengthBytes } from "./frames/stream.ts";
import { switchLimits } from "./limits.ts";

/** What of a socket is used here. */
type Out = Pick<Socket, "writableLength"> & { write(bytes: Buffer): boolean };

/** A batch holds the largest frame. */
const batchBytes = frameBytesMax + lengthBytes;
/** Batches that are in no use: all ports take them in turn. */
const spare: Buffer[] = [];

export class OutQueue {
  readonly #socket: Out;
  #batch: Buffer | undefined;
  #bytes = 0;
  /** Bytes of each port since nothing waited. */
  readonly #sentBy = new Map<string, number>();

  constructor(socket: Out) {
    this.#socket = socket;
  }

  /** Copies the frame, which is from this port. False: it found no room. */
  push(frame: Buffer, sender: string): boolean {
    const bytes = lengthBytes + frame.length;
    if (!this.#hasRoom(bytes, sender)) return false;
    if (this.#bytes + bytes > batchBytes) this.flush();
    this.#batch ??= spare.pop() ?? Buffer.allocUnsafeSlow(batchBytes);
    this.#batch.writeUInt32BE(frame.length, this.#bytes);
    this.#batch.set(frame, this.#bytes + lengthBytes);
    this.#bytes += bytes;
    return true;
  }

  #hasRoom(bytes: number, sender: string): boolean {
    const waiting = this.#socket.writableLength + this.#bytes;
    if (waiting === 0) this.#sentBy.clear();
    const sent = (this.#sentBy.get(sender) ?? 0) + bytes;
    const { queueBytesMax } = switchLimits;
    // As much as the sender has had must be left to others, up to half of all.
    if (waiting + bytes > queueBytesMax - Math.min(sent, queueBytesMax / 2)) return false;
    this.#sentBy.set(sender, sent);
    return true;
  }

  flush(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    const content = batch.subarray(0, this.#bytes);
    this.#batch = undefined;
    this.#bytes = 0;
    const waited = this.#socket.writableLength > 0;
    // What has to wait holds only its own bytes.
    this.#socket.write(waited ? Buffer.from(content) : content);
    // The kernel has taken a content at once, or it belongs to the socket from now on.
    if (waited || this.#socket.writableLength === 0) spare.push(batch);
  }
}
