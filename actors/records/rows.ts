/** Rows of resources, and what a commit can do with them. Types only. */
import type { Resource, ResourceRow } from "../../protocol/wire/resource.ts";

/**
 * One row that is made, changed or removed. `grows`: by how much more a change takes of what a quota sums;
 * absent: the quota is not asked.
 */
export type RowChange =
  /** Its id, and its name where names are unique, must be free; what it refers to must be there. */
  | { readonly resource: Resource; readonly made: ResourceRow }
  /** As it shall be; its `version` is one above the one that was read, else the result is `conflict`. */
  | { readonly resource: Resource; readonly changed: ResourceRow; readonly grows?: number }
  /**
   * An id, and what the row must have, else the result is `conflict`; then these fields are changed, and the
   * others stay. Not of plug-ins' resources.
   */
  | {
      readonly resource: Resource;
      readonly patched: string;
      readonly whereHas: Values;
      readonly set: Values;
      readonly grows?: number;
    }
  /** An id, which must be there, and which no other row may hold. */
  | { readonly resource: Resource; readonly removed: string }
  /**
   * An id, and fields. It goes if it is there, has these fields, and is held by no other row; else it stays
   * as it is, and all else of the commit happens. Not of plug-ins' resources.
   */
  | { readonly resource: Resource; readonly removed: string; readonly ifHas: Fields };

type Fields = Readonly<Record<string, string>>;
type Values = Readonly<Record<string, string | number | boolean | object | null>>;
