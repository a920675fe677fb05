/** Which columns of a list are shown, and in which order its rows stand. Pure. */
import type { Column } from "../table.ts";
import type { Sorting } from "./sort-option.ts";

/** A column as a person types it. */
export const typedTitle = (title: string): string => title.toLowerCase().replaceAll(" ", "-");

/** The columns that were asked for by name, in that order; else those of the format. */
export function chosenColumns<T>(
  columns: readonly Column<T>[],
  asked: readonly string[] | undefined,
  wide: boolean,
): readonly Column<T>[] {
  if (asked === undefined) return columns.filter((column) => wide || column.wide !== true);
  return asked.flatMap((title) => {
    const column = columns.find((one) => typedTitle(one.title) === title);
    // What was asked for is not left out.
    return column === undefined ? [] : [{ ...column, spare: false }];
  });
}

const collator = new Intl.Collator("en", { numeric: true });

/** The rows sorted by a column; rows that are alike keep their order. */
export function sorted<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  { title, descending }: Sorting,
): readonly T[] {
  const column = columns.find((one) => typedTitle(one.title) === title);
  if (column === undefined) return rows;
  const keyOf = column.order ?? column.value;
  const compare = (left: T, right: T): number => {
    const [one, other] = [keyOf(left), keyOf(right)];
    if (typeof one === "number" && typeof other === "number") return one - other;
    return collator.compare(String(one), String(other));
  };
  return rows.toSorted((left, right) => (descending ? compare(right, left) : compare(left, right)));
}
