/**
 * A list of hosts that is a value: `with` gives another list and leaves this one as it is. It lies in chunks,
 * so a change copies some hundred references and not ten thousand: every sign of life and every claim is one.
 */
const chunkBits = 7;
const chunkLength = 1 << chunkBits;

export class HostList<T> implements Iterable<T> {
  readonly length: number;
  readonly chunks: readonly (readonly T[])[];

  private constructor(chunks: readonly (readonly T[])[], length: number) {
    this.chunks = chunks;
    this.length = length;
  }

  static of<T>(items: readonly T[]): HostList<T> {
    const chunks: T[][] = [];
    for (let from = 0; from < items.length; from += chunkLength)
      chunks.push(items.slice(from, from + chunkLength));
    return new HostList(chunks, items.length);
  }

  /** Undefined when the position is outside. */
  at(position: number): T | undefined {
    return this.chunks[position >> chunkBits]?.[position & (chunkLength - 1)];
  }

  /** @throws RangeError when the position is outside: a bug */
  with(position: number, item: T): HostList<T> {
    const chunk = this.chunks[position >> chunkBits] ?? [];
    const changed = chunk.with(position & (chunkLength - 1), item);
    return new HostList(this.chunks.with(position >> chunkBits, changed), this.length);
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const chunk of this.chunks) yield* chunk;
  }
}
