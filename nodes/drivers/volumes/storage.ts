/**
 * The storage of volumes in files: puts the verbs of the port to the directory's thread, and copies by tools.
 * Work on one volume is done in turns, and copies one at a time. What it must never do is to touch a file of
 * the storage itself: a storage that hangs would hang the agent.
 */
import type { Holding } from "../../../actors/ports/keeper.ts";
import type {
  BlockDevice,
  KeptVolume,
  OpenVolumes,
  VolumePage,
  VolumeStorage,
  VolumeStorageFacts,
  VolumeUsage,
  VolumeUse,
  WantedVolume,
} from "../../../actors/ports/volumes.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import { orAborted, Turns, throwIfAborted } from "../waiting.ts";
import type { AskedStorage } from "./asked.ts";
import { copyInto } from "./copy.ts";
import { VolumeCount } from "./count.ts";
import type { BegunVolume, VolumeToMake } from "./directory.ts";
import { volumeLimits } from "./limits.ts";
import { busy } from "./refusals.ts";

export interface FileVolumesOptions {
  readonly hostId: string;
  readonly clock: Clock;
  readonly storage: AskedStorage;
}

export class FileVolumes implements VolumeStorage {
  readonly kind = "volume";
  readonly #options: FileVolumesOptions;
  readonly #turns = new Turns();
  readonly #count: VolumeCount;
  #copies = 0;

  constructor(options: FileVolumesOptions) {
    this.#options = options;
    this.#count = new VolumeCount(options.clock, () => this.#counted());
  }

  async facts(): Promise<VolumeStorageFacts> {
    const storageId = await this.#options.storage.identify();
    return {
      ...{ kind: "files", storageId, multiattach: false, thin: true, extendsOnline: true },
      ...{ fencing: "rename", sources: ["image", "volume"] },
    };
  }

  create(volumeId: string, { epoch, sizeBytes, source }: WantedVolume, signal: AbortSignal): Promise<void> {
    const wanted = { volumeId, epoch, sizeBytes, ...(source === undefined ? {} : { source }) };
    return this.#onVolume(volumeId, signal, () => this.#create(wanted, signal));
  }

  async #create(wanted: VolumeToMake, signal: AbortSignal): Promise<void> {
    const { storage, hostId } = this.#options;
    const begun = await storage.ask("begin", hostId, wanted);
    if (begun === undefined) return;
    try {
      await this.#copy(begun, wanted.sizeBytes, signal);
      throwIfAborted(signal);
    } catch (error) {
      // What a storage that does not answer keeps is removed by the next try.
      await storage.ask("abandon", begun.part).catch(() => undefined);
      throw error;
    }
    await storage.ask("finish", begun.part, wanted);
  }

  async #copy(begun: BegunVolume, sizeBytes: number, signal: AbortSignal): Promise<void> {
    if (begun.source === undefined) return;
    if (this.#copies > volumeLimits.volumeCopiesWaitingMax) throw busy();
    this.#copies += 1;
    const { clock } = this.#options;
    const copied = this.#turns.run("", async () => {
      throwIfAborted(signal);
      await copyInto(begun, { clock, signal, sizeBytes });
    });
    try {
      await orAborted(copied, signal);
    } finally {
      this.#copies -= 1;
    }
  }

  open(volumeId: string, use: VolumeUse, signal: AbortSignal): Promise<BlockDevice> {
    return this.#onVolume(volumeId, signal, async () => {
      const path = await this.#options.storage.ask("open", volumeId, use, this.#options.hostId);
      return { kind: "file", path, format: "raw", mode: use.mode };
    });
  }

  extend(volumeId: string, { epoch, sizeBytes }: WantedVolume, signal: AbortSignal): Promise<number> {
    return this.#onVolume(volumeId, signal, () =>
      this.#options.storage.ask("extend", volumeId, epoch, sizeBytes),
    );
  }

  remove(volumeId: string, epoch: number, signal: AbortSignal): Promise<void> {
    return this.#onVolume(volumeId, signal, () => this.#options.storage.ask("remove", volumeId, epoch));
  }

  async releaseOthers(of: OpenVolumes, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    await this.#options.storage.ask("releaseOthers", this.#options.hostId, of);
  }

  async volumes(): Promise<readonly KeptVolume[]> {
    const all: KeptVolume[] = [];
    for await (const page of this.#pages()) all.push(...page);
    return all;
  }

  page(after: string | undefined, volumesMax: number): Promise<VolumePage> {
    return this.#options.storage.ask("page", after, Math.min(volumesMax, volumeLimits.volumesPageMax));
  }

  /** What the volumes take is of the last count, but for those of this host that came, went or grew since. */
  async usage(): Promise<VolumeUsage> {
    const allocatedBytes = await this.#count.known();
    return { ...(await this.#options.storage.ask("room")), allocatedBytes };
  }

  list(): Promise<readonly Holding[]> {
    return this.#options.storage.ask("uses", this.#options.hostId);
  }

  async release({ instanceId, what }: Holding, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    await this.#options.storage.ask("release", this.#options.hostId, { instanceId, what });
  }

  async #counted(): Promise<number> {
    let [promisedBytes, allocatedBytes] = [0, 0];
    for await (const page of this.#pages())
      for (const one of page) {
        promisedBytes += one.sizeBytes;
        allocatedBytes += one.allocatedBytes;
      }
    await this.#options.storage.ask("counted", promisedBytes);
    return allocatedBytes;
  }

  /** One page after the other, so that other questions to the storage have their turns between. */
  async *#pages(): AsyncGenerator<readonly KeptVolume[]> {
    for (let after: string | undefined; ; ) {
      const page = await this.page(after, volumeLimits.volumesPageMax);
      yield page.volumes;
      if (page.next === undefined) return;
      after = page.next;
    }
  }

  #onVolume<T>(volumeId: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(`volume ${volumeId}`, async () => {
      throwIfAborted(signal);
      return work();
    });
  }
}
