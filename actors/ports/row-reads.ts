/** What can be read of resources: the same for all of them. Types only. */
import type { Resource, RowOf } from "../../protocol/wire/resource.ts";
import type { PageQuery } from "./pages.ts";

/** Absent: of every project, of every user. */
export interface Owner {
  readonly project?: string;
  readonly user?: string;
}

export interface RowQuery extends PageQuery, Owner {
  readonly name?: string;
}

export interface RowReads {
  /**
   * The row with this id; else the rows with this name, in order of id, at most readLimits.rowsOfOneNameMax.
   */
  called<R extends Resource>(resource: R, key: string, owner?: Owner): Promise<readonly RowOf<R>[]>;
  /** In order of id, that is by time of creation. */
  list<R extends Resource>(resource: R, query: RowQuery): Promise<readonly RowOf<R>[]>;
  /** A number for a new row of a numbered resource; none is given twice, and some may never be used. */
  nextNumber(resource: Resource): Promise<number>;
}
