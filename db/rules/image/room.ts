/** What the images of a project take, in memory as image-room.sql has it. */
import { image } from "../../../protocol/image.ts";
import type { Tables } from "../../rows/tables.ts";
import { rowsOwnedBy } from "../reference/memory.ts";

export const imageBytesOf = (tables: Tables, project: string): number =>
  rowsOwnedBy(tables, image, { project }).reduce(
    (sum, { id }) => sum + (tables.rowsOf(image).get(id)?.sizeBytes ?? 0),
    0,
  );
