/** What can be read of resources: the same for all of them. Types only. */
import type { Resource, RowOf } from "../../protocol/wire/resource.ts";
import type { PageQuery } from "./pages.ts";

/**
 * Absent: of every project, of every user. What is asked of a project includes what others share with it;
 * counts do not.
 */
export interface Owner {
  readonly project?: string;
  readonly user?: string;
}

export type Among = "named" | readonly string[];

export interface RowQuery extends PageQuery, Owner {
  readonly name?: string;
  /**
   * True: with all that is kept in a row of a plug-in, also what this version of the resource does not know,
   * and without what is absent. Absent: false.
   */
  readonly whole?: boolean;
  /**
   * Of a resource with a visibility. `named`: rows that the project may name by their ids; statuses: rows of
   * other projects to which it gave one of these answers as a member. Absent: rows that the project lists.
   */
  readonly among?: Among;
  /** Only rows with one of these values; all fields that are named must have one. */
  readonly having?: Readonly<Record<string, readonly string[]>>;
  /** Only rows that refer to one of these ids, by the field that does; all fields that are named must. */
  readonly refers?: Readonly<Record<string, readonly string[]>>;
}

/** Rows, each with those of another resource that refer to it. */
export interface JoinedReads {
  /** As `called`, with the parts in order of id. Not for resources of plug-ins. */
  calledWith<R extends Resource, P extends Resource>(
    resource: R,
    key: string,
    wanted: Joined<P>,
  ): Promise<readonly { readonly row: RowOf<R>; readonly parts: readonly RowOf<P>[] }[]>;
}

export interface Joined<P extends Resource> {
  readonly owner?: Owner | undefined;
  readonly part: P;
  /** The part's field that refers to the row. */
  readonly by: string;
}

export interface RowReads {
  /**
   * The row with this id; else the rows with this name, in order of id, at most readLimits.rowsOfOneNameMax.
   * Of a resource with a visibility, a name is one of those that the project lists: nobody makes a name of
   * its ambiguous by sharing something.
   */
  called<R extends Resource>(resource: R, key: string, owner?: Owner): Promise<readonly RowOf<R>[]>;
  /** In order of id, that is by time of creation. */
  list<R extends Resource>(resource: R, query: RowQuery): Promise<readonly RowOf<R>[]>;
  /** How many rows there are. */
  count(resource: Resource, owner: Owner): Promise<number>;
  /** A number for a new row of a numbered resource; none is given twice, and some may never be used. */
  nextNumber(resource: Resource): Promise<number>;
}
