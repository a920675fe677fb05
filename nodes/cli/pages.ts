/** Reads lists page by page. */
import { wireLimits } from "../../protocol/limits/wire.ts";

export interface Listing<T> {
  readonly rows: readonly T[];
  /** True: there are more rows than were asked for. */
  readonly more: boolean;
}

/** Reads pages until the end, or until `limit` rows are read. */
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
      limit: Math.min(wireLimits.pageLengthMax, limit - all.length),
      ...(marker === undefined ? {} : { marker }),
    });
    all.push(...page.rows);
    marker = page.nextMarker;
  } while (marker !== undefined && all.length < limit);
  return { rows: all, more: marker !== undefined };
}
