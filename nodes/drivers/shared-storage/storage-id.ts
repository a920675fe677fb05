/** The id of a shared storage: hosts that read the same id see the same disks and volumes. */
import { join } from "node:path";
import type { Ids } from "../../../protocol/wire/transport.ts";
import { makeStateFile, readStateFile } from "../../process/state-file.ts";

const storageFile = {
  pattern: /"storageId":"([A-Za-z0-9_-]{1,64})"/,
  advice:
    "It holds the id by which hosts know this storage. Restore it from a backup. Or delete it while no node runs: " +
    "the storage then gets a new id, and disks of the old one are taken over by nobody.",
};

/**
 * The storage's id. The first host makes its file: whole or absent, and never replaced. The others write
 * nothing, so that an agent can start while the storage is full.
 */
export function storageIdOf(root: string, ids: Ids): string {
  const path = join(root, "storage.json");
  const read = () => readStateFile(path, storageFile);
  if (read() === undefined) makeStateFile(path, `${JSON.stringify({ storageId: ids.next() })}\n`);
  // Another host may have been faster.
  return storageFile.pattern.exec(read() ?? "")?.[1] ?? "";
}
