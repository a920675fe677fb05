/**
 * Storage that fake hosts share: disks by instance and owner epoch, in memory, with the rules of the real one
 * (shared-storage/storage.ts). A process that has opened a disk keeps it open under whatever name, as a real
 * file.
 */
import type { LeaseKey } from "../../../actors/ports/signs-of-life.ts";
import type { MachineSpec, SharedDisk } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { guestFiles } from "../guest-directory.ts";
import { byInstance } from "../shared-storage/names.ts";
import { FakeVolumePool } from "./volumes.ts";

export interface FakeDisk {
  /** Number of writes by guests. */
  writes: number;
  /** Pids of the processes that have the disk open. */
  readonly openedBy: Set<number>;
  /** Names of the files beside each other. */
  readonly files: Set<string>;
}

/** A storage lease's file: who has it open, and whether it was taken. */
export interface FakeLease {
  readonly holders: Set<object>;
  /** Those of the holders that are lives of the host's agent. */
  readonly agents: Set<object>;
  taken: boolean;
}

export class FakeStorage {
  readonly storageId: string;
  /**
   * True: the storage refuses a second process that opens a disk; storage of real hosts may well not do it.
   */
  readonly locks: boolean;
  readonly volumes: FakeVolumePool;
  readonly #disks = new Map<string, FakeDisk>();
  readonly #leases = new Map<string, FakeLease>();

  constructor(storageId: string, { locks }: { readonly locks: boolean } = { locks: true }) {
    this.storageId = storageId;
    this.volumes = new FakeVolumePool(storageId);
    this.locks = locks;
  }

  /**
   * Makes the disk with these files, or takes it over and makes what is missing. @throws diskMissing,
   * staleEpoch
   */
  ensure(spec: MachineSpec, files: readonly string[] = [guestFiles.disk]): void {
    this.#ensure(spec);
    for (const file of files) this.find(spec.instanceId, spec.ownerEpoch)?.files.add(file);
  }

  #ensure(spec: MachineSpec): void {
    const { instanceId, ownerEpoch } = spec;
    if (this.find(instanceId, ownerEpoch) !== undefined) return;
    const epochs = this.epochs(instanceId);
    if ((epochs.at(-1) ?? 0) > ownerEpoch) {
      throw new StatusError("staleEpoch", `The disk of instance ${instanceId} belongs to a newer epoch.`);
    }
    if (!spec.takesOverDisk) {
      this.#disks.set(keyOf(instanceId, ownerEpoch), { writes: 0, openedBy: new Set(), files: new Set() });
      this.release(instanceId, ownerEpoch - 1);
      return;
    }
    const from = epochs.at(-1);
    const disk = from === undefined ? undefined : this.find(instanceId, from);
    if (from === undefined || disk === undefined) {
      throw new StatusError(
        "diskMissing",
        `The disk of instance ${instanceId} is not on the shared storage.`,
      );
    }
    this.#disks.delete(keyOf(instanceId, from));
    this.#disks.set(keyOf(instanceId, ownerEpoch), disk);
    this.release(instanceId, ownerEpoch - 1);
  }

  /** The storage lease of a host; made when `make` is true and it is missing. */
  lease({ hostId, leaseEpoch }: LeaseKey, make: boolean): FakeLease | undefined {
    const key = keyOf(hostId, leaseEpoch);
    const known = this.#leases.get(key);
    if (known !== undefined || !make) return known;
    const fresh = { holders: new Set<object>(), agents: new Set<object>(), taken: false };
    this.#leases.set(key, fresh);
    return fresh;
  }

  find(instanceId: string, ownerEpoch: number): FakeDisk | undefined {
    return this.#disks.get(keyOf(instanceId, ownerEpoch));
  }

  release(instanceId: string, ownerEpoch: number): void {
    for (const old of this.epochs(instanceId))
      if (old <= ownerEpoch) this.#disks.delete(keyOf(instanceId, old));
  }

  list(): readonly SharedDisk[] {
    return [...this.#disks.keys()].map(diskOf).sort(byInstance);
  }

  /** Owner epochs of the instance's disks, ascending. */
  epochs(instanceId: string): readonly number[] {
    const prefix = `${instanceId}.e`;
    const keys = [...this.#disks.keys()].filter((key) => key.startsWith(prefix));
    return keys.map((key) => Number(key.slice(prefix.length))).sort((one, other) => one - other);
  }
}

function diskOf(key: string): SharedDisk {
  const [instanceId = "", ownerEpoch] = key.split(".e");
  return { instanceId, ownerEpoch: Number(ownerEpoch) };
}

const keyOf = (instanceId: string, ownerEpoch: number): string => `${instanceId}.e${ownerEpoch}`;
