/**
 * How long a host may take to get and to make what the disks of an instance are made of. A large image on a
 * slow network is no failure of anybody: the operation that waits for it has that much more time, and still
 * an end. Pure.
 */
import type { InstanceRecord } from "../../records/instance.ts";
import { instanceLimits } from "./limits.ts";

/** `disks`: its root disk as well as its volumes. */
export type Made = "disks" | "volumes";

/** Whole milliseconds; 0: nothing to speak of is left to be made. */
export function fetchAllowedMs(instance: Pick<InstanceRecord, "image" | "volumes">, made: Made): number {
  const bytes = bytesOfVolumes(instance) + (made === "disks" ? (instance.image.disk?.sizeBytes ?? 0) : 0);
  const fetchMs = Math.floor((bytes * 1_000) / instanceLimits.fetchBytesPerSecondMin);
  const turnMs = Math.floor((bytes * 1_000) / instanceLimits.fetchTurnBytesPerSecondMin);
  return Math.min(fetchMs + turnMs, instanceLimits.fetchTimeoutMsMax);
}

/** The image comes to the host first, and is then written to the volume as a whole. */
const bytesOfVolumes = ({ volumes }: Pick<InstanceRecord, "volumes">): number =>
  (volumes ?? [])
    .flatMap(({ made, source }) => (made || source === null ? [] : source.image.disk))
    .reduce((sum, { sizeBytes, virtualSizeBytes }) => sum + sizeBytes + virtualSizeBytes, 0);
