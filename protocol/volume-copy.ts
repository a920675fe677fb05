/** Copies of volumes that are still to be made: rows of work, which no client sees. Schemas only. */
import { SizeGib } from "./volume.ts";
import { resource } from "./wire/resource.ts";
import { Count, Id, nullable } from "./wire/schema.ts";

/**
 * A volume that is made from another one, under the id of the new one. As long as the row is there each of
 * the two says in its own row that the other one has it: so nobody attaches either.
 */
export const volumeCopy = resource({
  noun: "volume-copy",
  one: "volumeCopy",
  many: "volumeCopies",
  owner: "project",
  makes: "admin",
  sees: "admin",
  /** The new volume's id. */
  name: Id,
  nameUnique: false,
  fields: {
    sourceId: Id,
    /** The source's epoch for the copy: nobody who had it before writes any more. */
    sourceEpoch: Count,
    epoch: Count,
    sizeGib: SizeGib,
    storageId: nullable(Id),
    hostId: nullable(Id),
  },
});
