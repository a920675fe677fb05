/**
 * Copies of volumes that controllers ask for, on one storage. A copy takes minutes, and nobody waits for it:
 * whoever asks again hears how it stands. What an earlier life of the agent has begun begins anew, and what
 * is there is not made again. A volume that a guest has is never read: the storage refuses it.
 */
import type { hostAgentService, VolumeRef } from "../../../protocol/machine.ts";
import type { Handlers, RequestOf } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { VolumeStorages } from "../machine/volume-storages.ts";
import { hostLimits } from "./limits.ts";

type Asked = RequestOf<(typeof hostAgentService)["methods"]["copyVolume"]>;
type Job = { state: "underWay" | "made" } | { state: "failed"; readonly error: unknown };

export class VolumeCopies {
  readonly #storages: VolumeStorages;
  readonly #jobs = new Map<string, Job>();
  readonly #ending = new AbortController();

  constructor(storages: VolumeStorages) {
    this.#storages = storages;
  }

  readonly handlers: Pick<Handlers<typeof hostAgentService>, "copyVolume"> = {
    copyVolume: async (asked) => {
      const key = nameOf(asked.copy);
      const job = this.#jobs.get(key);
      if (job === undefined) this.#begin(key, asked);
      if (job === undefined || job.state === "underWay") return { made: false };
      this.#jobs.delete(key);
      if (job.state === "failed") throw job.error;
      return { made: true };
    },
  };

  /** What is under way is called off: the next life of the agent begins it anew. */
  stop(): void {
    this.#ending.abort();
  }

  /** @throws hostStopping, storageUnknown */
  #begin(key: string, asked: Asked): void {
    if (this.#ending.signal.aborted) throw new StatusError("hostStopping", "The host's agent is ending.");
    // Controllers ask again until they have heard the end of a copy: the ended ones are not needed.
    if (this.#jobs.size >= hostLimits.volumeCopiesMax)
      for (const [name, { state }] of this.#jobs) if (state !== "underWay") this.#jobs.delete(name);
    if (this.#jobs.size >= hostLimits.volumeCopiesMax)
      throw new StatusError("storageUnknown", "The host copies as many volumes as it can: ask again.");
    this.#jobs.set(key, { state: "underWay" });
    this.#make(asked).then(
      () => this.#jobs.set(key, { state: "made" }),
      (error: unknown) => this.#jobs.set(key, { state: "failed", error }),
    );
  }

  async #make({ storageId, source, copy, sizeBytes }: Asked): Promise<void> {
    const { signal } = this.#ending;
    const storage = await this.#storages.find(storageId);
    const { sources = [] } = await storage.facts();
    if (!sources.includes("volume"))
      throw new StatusError("hypervisorRefused", "The host's driver of volumes makes no copies of volumes.");
    // The path of whoever had it before is gone from now on.
    const reader = { instanceId: copy.volumeId, ownerEpoch: 1 };
    const use = { ...reader, epoch: source.epoch, takesOver: true, mode: "readOnly" } as const;
    await storage.open(source.volumeId, use, signal);
    await storage.releaseOthers({ ...reader, volumes: [] }, signal);
    const wanted = { epoch: copy.epoch, sizeBytes, source: { kind: "volume", ...source } } as const;
    await storage.create(copy.volumeId, wanted, signal);
  }
}

const nameOf = ({ volumeId, epoch }: VolumeRef): string => `${volumeId}.e${epoch}`;
