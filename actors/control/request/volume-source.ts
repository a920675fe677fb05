/** What a new volume has in it from the beginning, as a request names it. It decides nothing else. */
import { image } from "../../../protocol/image.ts";
import type { VolumeSource } from "../../../protocol/volume.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import type { CallContext } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { gibibytes } from "../../../protocol/wire/wording.ts";
import type { RowReads } from "../../ports/row-reads.ts";
import { onlyOne, rowsCalled } from "./rows.ts";

const bytesOfGib = 1024 ** 3;

/** @throws unknownImage, ambiguous, imageNotActive, schemaMismatch */
export async function imageSource(
  key: string,
  { project }: Pick<CallContext, "project">,
  rows: Pick<RowReads, "called">,
): Promise<VolumeSource> {
  const found = onlyOne(image, key, await rowsCalled(image, { id: key, project }, rows));
  if (found === undefined) throw new StatusError("unknownImage", `There is no image ${key}.`);
  const { id, name, disk, state } = found;
  if (state !== "active")
    throw new StatusError("imageNotActive", `The image ${name} is ${state}: no volume can be made from it.`);
  if (disk === null) throw faulty("image", `is ${name}, which has no disk`);
  return { kind: "image", image: { id, name, disk } };
}

/**
 * The size of a new volume: what was asked for, or that of its source. `field`: which field of the request
 * says it. @throws schemaMismatch
 */
export function sizeOfVolume(
  asked: number | undefined,
  source: VolumeSource | null,
  field = "sizeGib",
): number {
  const leastGib = Math.max(1, Math.ceil((source?.image.disk.virtualSizeBytes ?? 0) / bytesOfGib));
  const sizeGib = asked ?? (source === null ? undefined : leastGib);
  if (sizeGib === undefined) throw faulty(field, "is missing: a volume that is empty has no other size");
  if (sizeGib < leastGib) throw faulty(field, `is less than the ${gibibytes(leastGib)} of the image's disk`);
  return sizeGib;
}
