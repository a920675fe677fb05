/** What there is of volumes when nothing moves any more, from all sides. Types only. */
import type { VolumeChange } from "../../protocol/volume.ts";

interface Named {
  readonly volumeId: string;
  readonly epoch: number;
}

export interface VolumesAtRest {
  readonly rows: readonly {
    readonly id: string;
    readonly epoch: number;
    readonly sizeGib: number;
    /** The shared storage or the host that it is on; null: it is nowhere yet. */
    readonly place: string | null;
    readonly made: boolean;
    readonly instanceId: string | null;
  }[];
  /** Ids of deleted ones that may still be somewhere. */
  readonly deleted: readonly string[];
  /** Copies that are still to be made, by the new volume's id. Absent: nobody has looked. */
  readonly copies?: readonly { readonly id: string; readonly sourceId: string }[];
  /** As instances have them in their rows. */
  readonly attached: readonly (Named & {
    readonly instanceId: string;
    readonly change: VolumeChange | null;
  })[];
  /** Files of storages. */
  readonly files: readonly (Named & {
    readonly place: string;
    readonly sizeGib: number;
    /** False: it is half made, and has no name yet. Absent: true. */
    readonly whole?: boolean;
    /** The number that guests have written there last. Absent: nobody has looked. */
    readonly writes?: number;
    /** The guests for which it is noted as open. */
    readonly openFor: readonly { readonly hostId: string; readonly instanceId: string }[];
  })[];
  /** What the living processes of guests have of them. */
  readonly inGuests: readonly (Named & {
    readonly hostId: string;
    readonly instanceId: string;
    readonly state: "attached" | "open" | "dead";
  })[];
}
