/**
 * Pages of lists that fit into one answer. A page ends early when its rows are large (a tenant may write a
 * quarter of a megabyte of metadata into each), so that no row can keep anybody from reading a list. Pure.
 */
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { Page } from "../../ports/pages.ts";

/** Most bytes for the rows of one answer; the rest is for its other fields. */
const pageBytesMax = wireLimits.answerBytesMax / 2;

/** The first rows, as many as fit; at least one, so that every reader gets on. */
export function fitting<T>(rows: readonly T[], bytesOf: (row: T) => number): readonly T[] {
  let bytes = 0;
  const end = rows.findIndex((row, index) => {
    bytes += bytesOf(row);
    return index > 0 && bytes > pageBytesMax;
  });
  return end < 0 ? rows : rows.slice(0, end);
}

/** Whether an answer fits, even with what a wait adds to it. */
export function fits(answer: unknown): boolean {
  return jsonBytes(answer) <= pageBytesMax;
}

export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** The marker of the next page, of a list that says itself where it goes on; this page may have been cut. */
export function markerBehind(
  page: readonly { readonly id: string }[],
  { rows, marker }: Page<unknown>,
): { readonly nextMarker?: string } {
  const next = page.length < rows.length ? page.at(-1)?.id : marker;
  return next === undefined ? {} : { nextMarker: next };
}

/** The values of a filter that may be given as one value, as several, or as both; then both must hold. */
export function valuesOf<T>(one: T | undefined, several: readonly T[] | undefined): readonly T[] | undefined {
  if (one === undefined) return several;
  return (several ?? [one]).filter((value) => value === one);
}

/** The marker of the next page; there is one when this page is full, or was cut. */
export function nextMarker(
  page: readonly { readonly id: string }[],
  limit: number,
  found: number = page.length,
): { readonly nextMarker?: string } {
  const last = page.at(-1);
  const whole = page.length === found && found < limit;
  return whole || last === undefined ? {} : { nextMarker: last.id };
}
