/** Reads lists page by page. */
import { wireLimits } from "../../protocol/limits/wire.ts";

export interface PageAsked {
  readonly limit: number;
  readonly marker?: string;
}

export interface Page<T> {
  readonly rows: readonly T[];
  readonly nextMarker: string | undefined;
}

/**
 * Reads pages until the end, or until `limit` rows are read; the marker is that of what comes behind them.
 */
export async function readPages<T>(
  read: (page: PageAsked) => Promise<Page<T>>,
  {
    limit = Number.POSITIVE_INFINITY,
    marker: start,
  }: { readonly limit?: number; readonly marker?: string } = {},
): Promise<Page<T>> {
  const all: T[] = [];
  let marker = start;
  do {
    const page = await read({
      limit: Math.min(wireLimits.pageLengthMax, limit - all.length),
      ...(marker === undefined ? {} : { marker }),
    });
    all.push(...page.rows);
    marker = page.nextMarker;
  } while (marker !== undefined && all.length < limit);
  return { rows: all, nextMarker: marker };
}
