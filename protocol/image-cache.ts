/** How the image cache of a host stands, for the doctor. */
import { type Static, Type } from "@sinclair/typebox";
import { reportLimits } from "./limits/report.ts";
import { answer, Count, Id, nullable, Sha256 } from "./wire/schema.ts";

export const ImageCacheAudit = answer({
  takenBytes: Count,
  freeBytes: Count,
  /** Null: only the free space of its file system bounds it. */
  cacheBytesMax: nullable(Count),
  freeBytesMin: Count,
  /** Disks whose base is not in the cache. */
  baseless: Type.Array(answer({ instanceId: Id, sha256: Sha256 }), {
    lenient: true,
    maxItems: reportLimits.auditEntriesMax,
  }),
});
export type ImageCacheAudit = Static<typeof ImageCacheAudit>;
