/** What a storage says of its volumes. Pure. */
import type { KeptVolume } from "novact/plugin";
import type { FoundVolume } from "./names.ts";
import type { Attributes } from "./nfs.ts";

export const keptOf = (
  { volumeId, epoch, kind }: FoundVolume,
  data: Pick<Attributes, "sizeBytes" | "usedBytes"> | undefined,
): KeptVolume => ({
  ...{ volumeId, epoch },
  ...{ sizeBytes: data?.sizeBytes ?? 0, allocatedBytes: data?.usedBytes ?? 0, whole: kind === "whole" },
});

/** By ids and epochs; what is half removed or half made comes after what is whole. */
export function inOrder(one: KeptVolume, other: KeptVolume): number {
  if (one.volumeId !== other.volumeId) return one.volumeId < other.volumeId ? -1 : 1;
  return one.epoch - other.epoch || Number(other.whole) - Number(one.whole);
}
