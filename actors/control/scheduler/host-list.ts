/**
 * The hosts, as a list that is a value: `with` makes another list and leaves this one as it is. It consists
 * of chunks, so a change copies some dozens of references instead of ten thousand: every sign of life and
 * every claim is a change. What was derived from a chunk stays with it until one of its hosts changes.
 */
const chunkBits = 6;
export const chunkLength = 1 << chunkBits;

/** The number of the chunk with this position. */
export const chunkOf = (position: number): number => position >> chunkBits;

export interface Chunk<T> {
  readonly hosts: readonly T[];
  /** Derived from these hosts alone, by worth.ts, so that a list stays a value. */
  worth: object | undefined;
}

export class HostList<T> implements Iterable<T> {
  readonly length: number;
  readonly chunks: readonly Chunk<T>[];

  private constructor(chunks: readonly Chunk<T>[], length: number) {
    this.chunks = chunks;
    this.length = length;
  }

  static of<T>(hosts: readonly T[]): HostList<T> {
    const chunks: Chunk<T>[] = [];
    for (let from = 0; from < hosts.length; from += chunkLength)
      chunks.push({ hosts: hosts.slice(from, from + chunkLength), worth: undefined });
    return new HostList(chunks, hosts.length);
  }

  /**
   * A list with other hosts. What was derived from a chunk is kept where the caller knows that its hosts
   * changed only as {@link withSameWorth} allows.
   */
  replaced(hosts: readonly T[], unchanged: (chunk: number) => boolean): HostList<T> {
    const list = HostList.of(hosts);
    list.chunks.forEach((chunk, index) => {
      if (unchanged(index)) chunk.worth = this.chunks[index]?.worth;
    });
    return list;
  }

  /** The host at a position; undefined outside the list. */
  at(position: number): T | undefined {
    return this.chunks[position >> chunkBits]?.hosts[position & (chunkLength - 1)];
  }

  /** The list with another host at a position. @throws RangeError when the position is outside: a bug */
  with(position: number, host: T): HostList<T> {
    return this.#with(position, host, undefined);
  }

  /** As `with`, for a change that no weigher sees, nor any filter that looks at the host alone. */
  withSameWorth(position: number, host: T): HostList<T> {
    return this.#with(position, host, this.chunks[position >> chunkBits]?.worth);
  }

  #with(position: number, host: T, worth: object | undefined): HostList<T> {
    const hosts = this.chunks[position >> chunkBits]?.hosts ?? [];
    const changed = { hosts: hosts.with(position & (chunkLength - 1), host), worth };
    return new HostList(this.chunks.with(position >> chunkBits, changed), this.length);
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const { hosts } of this.chunks) yield* hosts;
  }
}
