/** What all lists of the store have in common: a page, its marker and its order. Types only. */

export interface PageQuery {
  readonly limit: number;
  /** The last id of the page before. */
  readonly marker?: string;
}

/** A page in one of two orders; the marker is the last id of the page before in the same order. */
export interface OrderedQuery extends PageQuery {
  /** Absent: `oldest`. */
  readonly order?: "oldest" | "newest";
}

/**
 * One page of a list with filters. A filter that no index serves looks at a bounded part of the list: such a
 * page may have few rows, or none, and more may come behind its marker.
 */
export interface Page<T> {
  readonly rows: readonly T[];
  /** Where the next page begins. Absent: nothing comes behind these rows. */
  readonly marker?: string;
}
