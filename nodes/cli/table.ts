/** Tables and lists of facts for people, without frames: they stay readable in 100 columns and in a pipe. */
import Table from "cli-table3";
import { type Paint, plain, type Style } from "./terminal.ts";

export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string;
  readonly style?: (row: T) => Style | undefined;
  /** May be cut when the terminal is too narrow; of several the widest is. */
  readonly cut?: boolean;
}

export interface TableOptions {
  readonly paint: Paint;
  /** Of the terminal; absent: nothing is cut. */
  readonly width?: number | undefined;
}

const gap = 2;
const blank = Object.fromEntries(
  [
    ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"],
    ...["left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"],
  ].map((name) => [name, ""]),
);

export function renderTable<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  options: TableOptions,
): string {
  const cells = rows.map((row) => columns.map(({ value }) => plain(value(row))));
  const table = new Table({
    chars: blank,
    style: { "padding-left": 0, "padding-right": gap, head: [], border: [], compact: true },
    colWidths: widths(columns, cells, options.width),
    truncate: "…",
  });
  table.push(columns.map(({ title }) => options.paint("dim", title)));
  rows.forEach((row, at) => {
    table.push(columns.map(({ style }, column) => options.paint(style?.(row), cells[at]?.[column] ?? "")));
  });
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** null leaves a column as wide as its widest cell. */
function widths<T>(columns: readonly Column<T>[], cells: readonly string[][], width: number | undefined) {
  const natural = columns.map(
    ({ title }, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)) + gap,
  );
  const total = natural.reduce((sum, one) => sum + one, 0) - gap;
  const over = width === undefined ? 0 : total - width;
  const cuttable = columns.flatMap(({ cut }, column) => (cut === true ? [column] : []));
  const widest = cuttable.sort((left, right) => (natural[right] ?? 0) - (natural[left] ?? 0))[0];
  return columns.map(({ title }, column) => {
    if (over <= 0 || column !== widest) return null;
    return Math.max(title.length + gap, (natural[column] ?? 0) - over);
  });
}

/** `[name, value]` pairs, aligned; what is undefined is left out. */
export type Fact = readonly [name: string, value: string | undefined, style?: Style | undefined];

export function renderFacts(facts: readonly Fact[], paint: Paint): string {
  const shown = facts.filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...shown.map(([name]) => name.length)) + gap;
  return shown
    .map(([name, value, style]) => `${paint("dim", name.padEnd(width))}${paint(style, plain(value ?? ""))}`)
    .join("\n");
}

/** Lines one step further in. */
export const indented = (text: string, by = gap): string =>
  text
    .split("\n")
    .map((line) => `${" ".repeat(by)}${line}`)
    .join("\n");
