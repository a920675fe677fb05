/**
 * The storages of volumes that a host sees, by their ids. A storage says its id when it answers, which may be
 * later than the agent's start: it is asked when somebody looks for it, and remembered. The host's own
 * directory is asked first, so that no other storage that hangs keeps anybody from it.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { VolumeStorage } from "../../ports/volumes.ts";
import { VolumeMakings } from "./volume-makings.ts";

export class VolumeStorages {
  /** Volumes that are being made on the storages. */
  readonly makings = new VolumeMakings();
  /**
   * Storages that may still note volumes as open for guests that are gone: one could not be told, or nobody
   * has looked in this life of the agent.
   */
  readonly doubted: Set<VolumeStorage>;
  readonly #storages: readonly VolumeStorage[];
  readonly #ids = new Map<VolumeStorage, string | null>();

  /** `storages`: the host's own first. */
  constructor(storages: readonly VolumeStorage[] = []) {
    this.#storages = storages;
    this.doubted = new Set(storages);
  }

  get all(): readonly VolumeStorage[] {
    return this.#storages;
  }

  /**
   * `storageId`: null for the host's own directory. @throws diskMissing when the host does not see the
   * storage, storageUnknown when one that may be meant does not answer
   */
  async find(storageId: string | null): Promise<VolumeStorage> {
    let silence: unknown;
    for (const storage of this.#storages)
      try {
        if ((await this.#idOf(storage)) === storageId) return storage;
      } catch (error) {
        silence ??= error;
      }
    if (silence !== undefined) throw silence;
    const of = storageId === null ? "of its own" : `on the storage ${storageId}`;
    throw new StatusError("diskMissing", `This host keeps no volumes ${of}.`);
  }

  async #idOf(storage: VolumeStorage): Promise<string | null> {
    const known = this.#ids.get(storage);
    if (known !== undefined) return known;
    const { storageId } = await storage.facts();
    this.#ids.set(storage, storageId);
    return storageId;
  }
}
