/** Reads lists that come in pages. */
import { limits } from "../../protocol/limits/limits.ts";

export interface Listing<T> {
  readonly rows: readonly T[];
  /** There is more than was asked for. */
  readonly more: boolean;
}

/** Pages until the end, or until `limit` rows are there. */
export async function readPages<T extends { readonly id: string }>(
  read: (page: {
    limit: number;
    marker?: string;
  }) => Promise<{ rows: readonly T[]; nextMarker: string | undefined }>,
  limit = Number.POSITIVE_INFINITY,
): Promise<Listing<T>> {
  const all: T[] = [];
  let marker: string | undefined;
  do {
    const page = await read({
      limit: Math.min(limits.pageLengthMax, limit - all.length),
      ...(marker === undefined ? {} : { marker }),
    });
    all.push(...page.rows);
    marker = page.nextMarker;
  } while (marker !== undefined && all.length < limit);
  return { rows: all, more: marker !== undefined };
}
