/**
 * Rows in memory, ordered by key, with a journal by which the changes of a commit can be undone, so that it
 * happens wholly or not at all. Rows are deeply frozen copies; nobody who gets one can change what is stored.
 */
import { storable } from "./storable.ts";

const ours = new WeakSet<object>();

/**
 * A deep, frozen copy without undefined fields: the row as it would come back from PostgreSQL. Copies made
 * here pass unchanged.
 */
export function frozenCopy<T>(value: T): T;
export function frozenCopy(value: unknown): unknown {
  if (typeof value === "string") return storable(value);
  if (typeof value !== "object" || value === null || ours.has(value)) return value;
  const copy = Array.isArray(value)
    ? value.map((element) => frozenCopy(element ?? null))
    : Object.fromEntries(
        Object.entries(value)
          .filter(([, field]) => field !== undefined)
          .map(([key, field]) => [storable(key), frozenCopy(field)]),
      );
  ours.add(copy);
  return Object.freeze(copy);
}

/** Steps that undo the changes since the journal was made, in the order of the changes. */
export type Journal = (() => void)[];

export function undo(journal: Journal): void {
  for (const step of journal.reverse()) step();
}

export class Table<V> {
  readonly #rows = new Map<string, V>();
  /** Keys in the order of their code units: the order of collation "C" for ids. */
  readonly #keys: string[] = [];

  get size(): number {
    return this.#rows.size;
  }

  get(key: string): V | undefined {
    return this.#rows.get(key);
  }

  put(key: string, row: V, journal: Journal): void {
    const before = this.#rows.get(key);
    this.#set(key, frozenCopy(row));
    journal.push(() => (before === undefined ? this.#remove(key) : this.#set(key, before)));
  }

  /** Deletes a row; false when there was none. */
  delete(key: string, journal: Journal): boolean {
    const before = this.#rows.get(key);
    if (before === undefined) return false;
    this.#remove(key);
    journal.push(() => this.#set(key, before));
    return true;
  }

  *values(): Generator<V> {
    yield* this.after(undefined);
  }

  /** The rows whose keys come after the marker, in order. */
  *after(marker: string | undefined): Generator<V> {
    for (let at = marker === undefined ? 0 : this.#place(marker, true); at < this.#keys.length; at += 1) {
      const row = this.#rows.get(this.#keys[at] ?? "");
      if (row !== undefined) yield row;
    }
  }

  /** The rows whose keys come before the marker, the last first. */
  *before(marker: string | undefined): Generator<V> {
    const end = marker === undefined ? this.#keys.length : this.#place(marker, false);
    for (let at = end - 1; at >= 0; at -= 1) {
      const row = this.#rows.get(this.#keys[at] ?? "");
      if (row !== undefined) yield row;
    }
  }

  #set(key: string, row: V): void {
    if (!this.#rows.has(key)) this.#keys.splice(this.#place(key, false), 0, key);
    this.#rows.set(key, row);
  }

  #remove(key: string): void {
    this.#rows.delete(key);
    this.#keys.splice(this.#place(key, false), 1);
  }

  /** Index of the first key that is not before the given one, or with `beyond` the first behind it. */
  #place(key: string, beyond: boolean): number {
    let low = 0;
    let high = this.#keys.length;
    const last = this.#keys[high - 1];
    if (last === undefined || last < key) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const found = this.#keys[middle] ?? "";
      if (found < key || (beyond && found === key)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
