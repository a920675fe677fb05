/**
 * Numbers, bytes and names as NFS has them on the wire (XDR, RFC 4506). Pure. What a server has sent is never
 * believed to be as long as it says: a read beyond the end is an error, and nothing is allotted for it.
 */

/** What a server has sent is not what the protocol says. */
export class WireError extends Error {
  override readonly name = "WireError";
}

const padded = (length: number): number => (4 - (length % 4)) % 4;

export class XdrWriter {
  readonly #parts: Buffer[] = [];

  uint32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32BE(value);
    this.#parts.push(part);
    return this;
  }

  uint64(value: bigint): this {
    const part = Buffer.alloc(8);
    part.writeBigUInt64BE(value);
    this.#parts.push(part);
    return this;
  }

  /** As many bytes as both sides know. */
  fixed(bytes: Uint8Array): this {
    this.#parts.push(Buffer.from(bytes), Buffer.alloc(padded(bytes.length)));
    return this;
  }

  opaque(bytes: Uint8Array): this {
    return this.uint32(bytes.length).fixed(bytes);
  }

  text(value: string): this {
    return this.opaque(Buffer.from(value, "utf8"));
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

export class XdrReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new WireError("The answer of the server ends too early.");
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE();
  }

  /** A size or a count that a number can hold. */
  size(): number {
    const value = this.uint64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new WireError("The server names an impossible size.");
    return Number(value);
  }

  flag(): boolean {
    return this.uint32() !== 0;
  }

  fixed(length: number): Buffer {
    const taken = this.#take(length);
    this.#take(padded(length));
    return taken;
  }

  opaque(lengthMax: number): Buffer {
    const length = this.uint32();
    if (length > lengthMax) throw new WireError("The server sends more than it may.");
    return this.fixed(length);
  }

  text(lengthMax: number): string {
    return this.opaque(lengthMax).toString("utf8");
  }
}
