/** What a fake world is made of, and where its volumes are. */
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { FakeStorage } from "./storage.ts";
import type { FakeVolumePool } from "./volumes.ts";

export interface FakeWorldOptions {
  readonly clock: Clock;
  /** From the start of a guest until its CPU runs, in ms. 0: at once, without a timer. */
  readonly startLatencyMs?: number;
  /** From the power button to the guest's end, in ms. Absent: the guest ignores the button. */
  readonly shutdownLatencyMs?: number;
  /** Storage whose disks other worlds see as well. Absent: this world's disks are its own. */
  readonly storage?: FakeStorage;
  /** Volumes alone that other worlds see as well, as a driver from outside has them. Absent: none. */
  readonly outsideVolumes?: FakeVolumePool;
}

export const poolsOf = (
  own: FakeVolumePool,
  { storage, outsideVolumes }: FakeWorldOptions,
): readonly FakeVolumePool[] => [own, storage?.volumes, outsideVolumes].filter((pool) => pool !== undefined);
