/** What a machine knows of the volumes of its process. Types only. */
import type { VolumeRef } from "../../../protocol/machine.ts";
import type { AttachedVolume } from "../../ports/hypervisor.ts";

/** A volume that the process has, with the size of which its guest was told. Absent: nobody knows. */
export interface HeldVolume extends AttachedVolume {
  readonly sizeBytes?: number;
}

/** The volumes of a process: no other is open there, but those `coming` may be. */
export interface HeldVolumes {
  readonly has: readonly HeldVolume[];
  readonly coming: readonly VolumeRef[];
}

/** What the next life of the agent is to know of a volume. */
export interface VolumeNote extends VolumeRef {
  readonly toldBytes?: number;
  /** When its guest was first asked to give it back; wall clock. */
  readonly askedAtMs?: number;
}
