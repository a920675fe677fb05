/**
 * What is in the root disks of the guests of a simulated host: the number of their guests' writes. A disk on
 * the shared storage has it wherever it goes; one in a guest's directory goes with the directory.
 */
import type { FakeWorld } from "../../nodes/drivers/fake/world.ts";
import { guestFiles } from "../../nodes/drivers/guest-directory.ts";

interface RootDisk {
  writes: number;
}

export class RootDisks {
  readonly #world: FakeWorld;
  /** By the directory in which it lies. */
  readonly #own = new WeakMap<object, RootDisk>();

  constructor(world: FakeWorld) {
    this.#world = world;
  }

  /** The one that the guest's process has open, or else the one that a process would open. */
  of(instanceId: string): RootDisk | undefined {
    const { storage, sharedEpochs, disks } = this.#world;
    const opened = this.#world.processOf(instanceId)?.disk;
    if (opened !== undefined) return opened;
    if (storage !== undefined) return storage.find(instanceId, sharedEpochs.get(instanceId) ?? -1);
    const directory = disks.get(instanceId);
    if (directory?.has(guestFiles.disk) !== true) return undefined;
    const known = this.#own.get(directory) ?? { writes: 0 };
    this.#own.set(directory, known);
    return known;
  }

  /** The guest writes. Undefined: it has no such disk. */
  write(instanceId: string): number | undefined {
    const disk = this.of(instanceId);
    if (disk !== undefined) disk.writes += 1;
    return disk?.writes;
  }
}
