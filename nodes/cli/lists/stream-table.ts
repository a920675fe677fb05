/**
 * A table whose rows come one by one: its columns are as wide as they say, or as the rows so far; its last
 * column takes what is left. Titles stand above the first row. Pure.
 */
import type { Column, TableOptions } from "../table.ts";
import { plain } from "../terminal.ts";

const gap = "  ";
/** Width of a column that may be cut, and does not say how wide it is. */
const cutWidth = 20;
/** Least width of the last column. */
const lastWidthMin = 12;

export class StreamTable<T> {
  readonly #columns: readonly Column<T>[];
  readonly #options: TableOptions;
  readonly #widths: number[];
  #begun = false;

  constructor(columns: readonly Column<T>[], options: TableOptions) {
    this.#columns = kept(columns, options);
    this.#options = options;
    this.#widths = this.#columns.map(({ title, least = 0 }) => Math.max(title.length, least));
  }

  /** The lines of some more rows. `columns`: the same ones, where their values depend on the moment. */
  lines(rows: readonly T[], columns: readonly Column<T>[] = this.#columns): readonly string[] {
    if (rows.length === 0) return [];
    const present = this.#columns.map((own) => columns.find(({ title }) => title === own.title) ?? own);
    const cells = rows.map((row) => present.map(({ value }) => plain(value(row))));
    for (const row of cells) this.#widen(row);
    const { paint } = this.#options;
    const titles = this.#line(
      this.#columns.map(({ title }) => title),
      (_, text) => paint("dim", text),
    );
    const lines = cells.map((row, at) =>
      this.#line(row, (column, text) => {
        const shown = rows[at];
        return shown === undefined ? text : paint(this.#columns[column]?.style?.(shown), text);
      }),
    );
    const first = this.#begun ? [] : [titles];
    this.#begun = true;
    return [...first, ...lines];
  }

  #widen(cells: readonly string[]): void {
    cells.forEach((cell, at) => {
      const { cut, least = cutWidth } = this.#columns[at] ?? {};
      const width =
        cut === true && this.#options.width !== undefined ? Math.min(cell.length, least) : cell.length;
      if (at < cells.length - 1) this.#widths[at] = Math.max(this.#widths[at] ?? 0, width);
    });
  }

  #line(cells: readonly string[], painted: (column: number, text: string) => string): string {
    const { width = Number.POSITIVE_INFINITY } = this.#options;
    const before = this.#widths.slice(0, -1).reduce((total, one) => total + one + gap.length, 0);
    return cells
      .map((cell, at) => {
        const last = at === cells.length - 1;
        const own = last ? Math.max(lastWidthMin, width - before) : (this.#widths[at] ?? 0);
        const text = cell.length > own ? `${cell.slice(0, own - 1)}…` : cell;
        // Padded outside of the paint: a terminal may underline or colour the background.
        return `${painted(at, text)}${last ? "" : " ".repeat(own - text.length)}`;
      })
      .join(gap)
      .trimEnd();
  }
}

/** Spare columns go where even the least widths of all do not fit. */
function kept<T>(columns: readonly Column<T>[], { width }: TableOptions): readonly Column<T>[] {
  let some = columns;
  const least = (all: readonly Column<T>[]): number =>
    all.reduce((total, { title, least = 0 }) => total + Math.max(title.length, least) + gap.length, 0);
  while (width !== undefined && least(some) + lastWidthMin > width) {
    const last = some.findLastIndex(({ spare }) => spare === true);
    if (last < 0) return some;
    some = some.toSpliced(last, 1);
  }
  return some;
}
