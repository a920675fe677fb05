/** Tables and lists of facts for people, without frames: readable in 100 columns and in a pipe. */
import Table from "cli-table3";
import { type Paint, plain, type Style } from "./terminal.ts";

export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string;
  readonly style?: (row: T) => Style | undefined;
  /** The column may be cut when the terminal is too narrow; of several such columns, the widest is cut. */
  readonly cut?: boolean;
  /**
   * The column may be left out when the terminal is too narrow, before anything is cut; the last such column
   * goes first.
   */
  readonly spare?: boolean;
  /** The column is shown only by `-o wide`, or where it is asked for by name. */
  readonly wide?: boolean;
  /** What rows are sorted by; absent: the value, numbers in it as numbers. */
  readonly order?: (row: T) => number | string;
  /** The value changes as time passes, without news of the row. */
  readonly passing?: boolean;
  /** Where rows come one by one: the width that is kept for the column. */
  readonly least?: number;
}

export interface TableOptions {
  readonly paint: Paint;
  /** Width to keep to; absent: nothing is cut. */
  readonly width?: number | undefined;
  /**
   * True: cells are cut before columns are left out, as where there is no terminal: who picks the third
   * word of each line must find the same column there, whatever the names of the rows.
   */
  readonly steady?: boolean;
}

const gap = 2;
const blank = Object.fromEntries(
  [
    ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"],
    ...["left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"],
  ].map((name) => [name, ""]),
);

export function renderTable<T>(
  allColumns: readonly Column<T>[],
  rows: readonly T[],
  { paint, width = Number.POSITIVE_INFINITY, steady = false }: TableOptions,
): string {
  const columns = fitting(allColumns, rows, { width, steady });
  const cells = cellsOf(columns, rows);
  const table = new Table({
    chars: blank,
    style: { "padding-left": 0, "padding-right": gap, head: [], border: [], compact: true },
    colWidths: cutWidths(columns, cells, width),
    truncate: "…",
  });
  table.push(columns.map(({ title }) => paint("dim", title)));
  rows.forEach((row, at) => {
    table.push(columns.map(({ style }, column) => paint(style?.(row), cells[at]?.[column] ?? "")));
  });
  const lines = table.toString().split("\n");
  return lines.map((line) => line.trimEnd()).join("\n");
}

const cellsOf = <T>(columns: readonly Column<T>[], rows: readonly T[]): string[][] =>
  rows.map((row) => columns.map(({ value }) => plain(value(row))));

/** Width of each column with its gap. */
const naturalWidths = <T>(columns: readonly Column<T>[], cells: readonly string[][]): number[] =>
  columns.map(
    ({ title }, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)) + gap,
  );

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** The columns without spare ones, as far as leaving them out helps. */
function fitting<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  { width, steady }: { readonly width: number; readonly steady: boolean },
): readonly Column<T>[] {
  const isTooWide = (some: readonly Column<T>[]): boolean => {
    const natural = naturalWidths(some, cellsOf(some, rows));
    const widths = some.map((column, at) =>
      steady ? leastWidth(column, natural[at] ?? 0) : (natural[at] ?? 0),
    );
    return sum(widths) - gap > width;
  };
  let kept = columns;
  while (isTooWide(kept)) {
    const last = kept.findLastIndex(({ spare }) => spare === true);
    if (last < 0) return kept;
    kept = kept.toSpliced(last, 1);
  }
  return kept;
}

/** Least width of a column that is cut: its text must still say something. */
const cutWidthMin = 12;

/** The width to which a column may be cut. */
const leastWidth = <T>({ cut }: Column<T>, natural: number): number =>
  cut === true ? Math.min(natural, cutWidthMin) : natural;

/** New widths of the columns; null leaves a column as wide as its widest entry. */
function cutWidths<T>(columns: readonly Column<T>[], cells: readonly string[][], width: number) {
  const natural = naturalWidths(columns, cells);
  const widths = [...natural];
  for (let over = sum(natural) - gap - width; over > 0; ) {
    const room = columns.map((column, at) => (widths[at] ?? 0) - leastWidth(column, widths[at] ?? 0));
    const [widest, next] = columns
      .flatMap(({ cut }, at) => (cut === true && (room[at] ?? 0) > 0 ? [at] : []))
      .sort((left, right) => (widths[right] ?? 0) - (widths[left] ?? 0));
    if (widest === undefined) break;
    // The widest comes down to the second widest, then both together.
    const lead = (widths[widest] ?? 0) - (next === undefined ? 0 : (widths[next] ?? 0));
    const less = Math.min(over, Math.max(1, lead), room[widest] ?? 0);
    widths[widest] = (widths[widest] ?? 0) - less;
    over -= less;
  }
  return widths.map((own, at) => (own === natural[at] ? null : own));
}

/** `[name, value]` pairs for an aligned list; a pair without a value is left out. */
export type Fact = readonly [name: string, value: string | undefined, style?: Style | undefined];

/**
 * Renders a list of facts. `width`: of the terminal; long values are continued on the next line. Absent: one
 * line for each fact.
 */
export function renderFacts(facts: readonly Fact[], paint: Paint, width?: number): string {
  const shown = facts.filter(([, value]) => value !== undefined);
  const indent = Math.max(0, ...shown.map(([name]) => name.length)) + gap;
  return shown
    .flatMap(([name, value, style]) =>
      linesOf(plain(value ?? ""), (width ?? Number.POSITIVE_INFINITY) - indent).map(
        (line, at) => `${paint("dim", (at === 0 ? name : "").padEnd(indent))}${paint(style, line)}`,
      ),
    )
    .join("\n");
}

/** Breaks a text between words into lines; a word that is too long stays whole. At least one line. */
export function linesOf(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Indents every line of a text. */
export const indented = (text: string, by = gap): string =>
  text
    .split("\n")
    .map((line) => `${" ".repeat(by)}${line}`)
    .join("\n");
