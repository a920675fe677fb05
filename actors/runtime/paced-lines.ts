/**
 * Work that came in great heaps, done a slice at a time, with a pause after each in which everything else has
 * its turn. Each heap is a line, and the lines take turns: a small heap never waits for the whole of a great
 * one. There is one pace for all of them, however many there are.
 *
 * It must never do more than one slice without a pause. What waits is lost with the process: only for work
 * that somebody asks for again.
 */
import type { Clock, Timer } from "../../protocol/wire/transport.ts";

export interface PacedLinesOptions<T> {
  readonly clock: Clock;
  /** Pieces of work in one slice. */
  readonly sliceLength: number;
  /** Least time between two slices. */
  readonly pauseMs: number;
  /** Does one piece. It must not throw. */
  readonly work: (piece: T) => void;
}

interface Line<T> {
  readonly pieces: readonly T[];
  next: number;
}

export class PacedLines<T> {
  readonly #options: PacedLinesOptions<T>;
  #lines: Line<T>[] = [];
  /** Runs while a slice was done less than a pause ago. */
  #timer: Timer | undefined;

  constructor(options: PacedLinesOptions<T>) {
    this.#options = options;
  }

  /** Takes a heap of work. Its first slice is done at once when none was done just now. */
  add(pieces: readonly T[]): void {
    if (pieces.length === 0) return;
    this.#lines.push({ pieces, next: 0 });
    if (this.#timer === undefined) this.#slice();
  }

  /** Drops what waits. */
  clear(): void {
    this.#lines = [];
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #slice(): void {
    const { clock, sliceLength, pauseMs, work } = this.#options;
    this.#timer = clock.after(pauseMs, () => {
      this.#timer = undefined;
      if (this.#lines.length > 0) this.#slice();
    });
    for (let done = 0; done < sliceLength; done += 1) {
      const line = this.#lines.shift();
      const piece = line?.pieces[line.next];
      if (line === undefined || piece === undefined) return;
      line.next += 1;
      // Behind the others.
      if (line.next < line.pieces.length) this.#lines.push(line);
      work(piece);
    }
  }
}
