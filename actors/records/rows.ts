/** Rows of resources, and what a commit can do with them. Types only. */
import type { Resource, ResourceRow } from "../../protocol/wire/resource.ts";

/** One row that is made, changed or removed. */
export type RowChange =
  /** Its id, and its name where names are unique, must be free; what it refers to must be there. */
  | { readonly resource: Resource; readonly made: ResourceRow }
  /** As it shall be; its `version` is one above the one that was read, else the result is `conflict`. */
  | { readonly resource: Resource; readonly changed: ResourceRow }
  /** An id. */
  | { readonly resource: Resource; readonly removed: string };
