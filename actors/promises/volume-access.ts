/** Facts of who has volumes open and writes to them, which only the simulator tells. Types only. */

/** A process of a guest has the file of a volume open from now on, or has it no more. */
export interface VolumeOpened {
  readonly kind: "volumeOpened" | "volumeClosed";
  readonly atMs: number;
  readonly hostId: string;
  readonly instanceId: string;
  readonly pid: number;
  readonly volumeId: string;
  readonly epoch: number;
}

/**
 * A guest has found this number in a volume, and has written the next one, which the storage has
 * acknowledged.
 */
export interface VolumeWritten {
  readonly kind: "volumeWritten";
  readonly atMs: number;
  readonly hostId: string;
  readonly instanceId: string;
  readonly pid: number;
  readonly volumeId: string;
  readonly epoch: number;
  readonly found: number;
}

/** Every fault is over from now on: what was cut off, hung or had ended is well again. */
export interface FaultsOver {
  readonly kind: "faultsOver";
  readonly atMs: number;
}
