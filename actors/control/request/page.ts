/**
 * Pages of lists that fit into one answer. A page ends early when its rows are large (a tenant may write a
 * quarter of a megabyte of metadata into each), so that no row can keep anybody from reading a list. Pure.
 */
import { limits } from "../../../protocol/limits/limits.ts";

/** What the rows of one answer may take; the rest is for what is said beside them. */
const pageBytesMax = limits.answerBytesMax / 2;

/** As many rows as fit, from the beginning; at least one, so that every reader gets on. */
export function fitting<T>(rows: readonly T[], bytesOf: (row: T) => number): readonly T[] {
  let bytes = 0;
  const end = rows.findIndex((row, index) => {
    bytes += bytesOf(row);
    return index > 0 && bytes > pageBytesMax;
  });
  return end < 0 ? rows : rows.slice(0, end);
}

/** Whether an answer is small enough to be given; also with what a wait adds to it. */
export function fits(answer: unknown): boolean {
  return jsonBytes(answer) <= pageBytesMax;
}

export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Where the next page begins: there is one when this page is full, or was cut. */
export function nextMarker(
  page: readonly { readonly id: string }[],
  limit: number,
  found: number = page.length,
): { readonly nextMarker?: string } {
  const last = page.at(-1);
  const whole = page.length === found && found < limit;
  return whole || last === undefined ? {} : { nextMarker: last.id };
}
