/**
 * The framing of QEMU's `-netdev stream`: each frame with its length before it, in 4 bytes, the highest
 * first. At most one frame is kept between two reads, beside what waits for a turn. A length that QEMU never
 * sends ends the stream: what follows it can be anything.
 */

/** As QEMU 7.2 has it (NET_BUFSIZE in include/net/net.h): it hangs up on more itself. */
export const frameBytesMax = 4_096 + 65_536;
export const lengthBytes = 4;

const nothing = Buffer.alloc(0);

export class FrameReader {
  #kept = nothing;

  /**
   * Hands over the whole frames of the bytes, in order, until `take` answers false. What was not handed over
   * is kept for the next call. The frame handed over may be overwritten afterwards. False: the stream is
   * damaged.
   */
  read(bytes: Buffer, take: (frame: Buffer) => boolean): boolean {
    const all = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    let at = 0;
    let goesOn = true;
    while (goesOn && all.length - at >= lengthBytes) {
      const length = all.readUInt32BE(at);
      if (length > frameBytesMax) return false;
      if (all.length - at - lengthBytes < length) break;
      goesOn = take(all.subarray(at + lengthBytes, at + lengthBytes + length));
      at += lengthBytes + length;
    }
    // A copy: the bytes are the reader's own buffer, which the next read overwrites.
    this.#kept = at === all.length ? nothing : Buffer.from(all.subarray(at));
    return true;
  }

  /** Bytes that wait for their rest, or for a turn. */
  get keptBytes(): number {
    return this.#kept.length;
  }
}
