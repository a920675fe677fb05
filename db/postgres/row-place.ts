/**
 * Where the rows of a resource are: in a table of its own, or, of a plug-in's, in the one table of all of
 * these, with the fields of the resource in `body`. It reads nothing.
 */
import { createHash } from "node:crypto";
import type { Resource } from "../../protocol/wire/resource.ts";
import { bodyFields } from "../rows/extension-rows.ts";
import { columnsOf, type Selection, selectionOfColumns, selectionOfFields } from "./select.ts";

export interface RowPlace {
  /** The table. */
  readonly from: string;
  /** What names of prepared statements begin with: another one for other columns. */
  readonly name: string;
  readonly selection: Selection<object>;
  /** The plug-in and the noun of the rows, in the table that all plug-ins share; absent in our own tables. */
  readonly plugin?: string;
  readonly noun?: string;
}

export function rowPlaceOf(resource: Resource): RowPlace {
  const { plugin, noun, table, kept } = resource;
  if (plugin === undefined) {
    const selection = selectionOfFields([...Object.keys(kept), "version"], "t");
    return { from: table, name: table, selection };
  }
  const inBody = new Set(bodyFields(resource));
  const own = Object.keys(kept).filter((field) => !inBody.has(field));
  const selection = selectionOfColumns([...columnsOf([...own, "version"], "t"), ["body", "t.body"]]);
  // PostgreSQL cuts names of statements at 63 bytes.
  const hash = createHash("sha256").update(selection.columns).digest("hex").slice(0, 24);
  return { from: "extension_row", name: `extension_${hash}`, selection, plugin, noun };
}
