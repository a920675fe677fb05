/**
 * The storage of volumes on an NFS server: puts the verbs of the port to the directory on the server, and
 * keeps a bridge for each volume that is open. Work on one volume is done in turns. What must never happen is
 * that a bridge begins before its volume has the name and the group of its epoch.
 */
import {
  type BlockDevice,
  type Holding,
  type KeptVolume,
  type OpenVolumes,
  StatusError,
  type VolumeStorage,
  type VolumeStorageFacts,
  type VolumeUsage,
  type VolumeUse,
  type WantedVolume,
} from "novact/plugin";
import { type Bridge, type Bridges, isReplaced } from "./bridges.ts";
import { type DirectoryOptions, NfsDirectory } from "./directory.ts";
import { whatOf } from "./names.ts";
import { proved } from "./proof.ts";
import { another, refused, toldOf } from "./refusals.ts";
import { Turns } from "./turns.ts";

export interface NfsVolumesOptions extends DirectoryOptions {
  readonly bridges: Bridges;
  /** Whether other hosts have volumes in the directory. */
  readonly shared: boolean;
}

export class NfsVolumes implements VolumeStorage {
  readonly kind = "volume";
  readonly #options: NfsVolumesOptions;
  readonly #directory: NfsDirectory;
  readonly #turns = new Turns();
  #proved: Promise<string | null> | undefined;

  constructor(options: NfsVolumesOptions) {
    this.#options = options;
    this.#directory = new NfsDirectory(options);
  }

  async facts(): Promise<VolumeStorageFacts> {
    const storageId = await told(() => this.#known());
    return {
      ...{ kind: "nfs", storageId, multiattach: false, thin: true, extendsOnline: false },
      fencing: "rename",
    };
  }

  create(volumeId: string, { epoch, sizeBytes, source }: WantedVolume, signal: AbortSignal): Promise<void> {
    return this.#inTurn(volumeId, signal, async () => {
      if (source !== undefined) throw refused(`The volume ${volumeId} can only be made empty.`);
      await this.#directory.make(volumeId, epoch, sizeBytes);
    });
  }

  open(volumeId: string, use: VolumeUse, signal: AbortSignal): Promise<BlockDevice> {
    const { epoch, instanceId, ownerEpoch, mode } = use;
    return this.#inTurn(volumeId, signal, async () => {
      const bridge = { volumeId, epoch, instanceId, ownerEpoch, mode };
      const directory = await this.#take(bridge, use.takesOver);
      const { hostId, bridges } = this.#options;
      const noted = await this.#directory.noted(directory);
      if (noted.some((one) => one.epoch === epoch && one.instanceId !== instanceId)) throw another(volumeId);
      await this.#directory.note(directory, { epoch, instanceId, ownerEpoch, hostId });
      for (const one of noted)
        if (one.hostId !== hostId || one.epoch !== epoch || one.ownerEpoch < ownerEpoch)
          await this.#directory.forget(volumeId, one);
      await this.#endBridges((one) => isReplaced(one, bridge));
      const path = await bridges.open(bridge, await this.#directory.sizeOf(directory), signal);
      return { kind: "nbd", path, format: "raw", mode };
    });
  }

  /** Bridges of epochs that are past can write nothing, and go as soon as this host hears of it. */
  async #take({ volumeId, epoch }: Bridge, takesOver: boolean) {
    try {
      return await this.#directory.take(volumeId, epoch, takesOver);
    } catch (error) {
      if (error instanceof StatusError && error.reason === "staleEpoch")
        await this.#endBridges((one) => one.volumeId === volumeId && one.epoch <= epoch);
      throw error;
    }
  }

  extend(volumeId: string, { epoch, sizeBytes }: WantedVolume, signal: AbortSignal): Promise<number> {
    return this.#inTurn(volumeId, signal, async () => {
      const bytes = await this.#directory.extend(volumeId, epoch, sizeBytes);
      const { bridges } = this.#options;
      for (const one of await bridges.list())
        if (one.volumeId === volumeId && one.epoch === epoch) await bridges.renew(one, bytes, signal);
      return bytes;
    });
  }

  remove(volumeId: string, epoch: number, signal: AbortSignal): Promise<void> {
    return this.#inTurn(volumeId, signal, async () => {
      await this.#endBridges((one) => one.volumeId === volumeId && one.epoch <= epoch);
      await this.#directory.remove(volumeId, epoch);
    });
  }

  async releaseOthers(of: OpenVolumes, signal: AbortSignal): Promise<void> {
    const stays = new Set(of.volumes.map(({ volumeId, epoch }) => whatOf(volumeId, epoch)));
    await this.#release(
      ({ volumeId, epoch, instanceId, ownerEpoch }) =>
        instanceId === of.instanceId && ownerEpoch <= of.ownerEpoch && !stays.has(whatOf(volumeId, epoch)),
      signal,
    );
  }

  release({ instanceId, what }: Holding, signal: AbortSignal): Promise<void> {
    return this.#release(
      (one) => one.instanceId === instanceId && whatOf(one.volumeId, one.epoch) === what,
      signal,
    );
  }

  volumes(): Promise<readonly KeptVolume[]> {
    return this.#asked(() => this.#directory.volumes());
  }

  usage(): Promise<VolumeUsage> {
    return this.#asked(() => this.#directory.usage());
  }

  async list(): Promise<readonly Holding[]> {
    const bridges = await told(() => this.#options.bridges.list());
    const noted = await this.#asked(() => this.#directory.opened());
    const own = noted.filter(({ hostId }) => hostId === this.#options.hostId);
    const held = new Map<string, Holding>();
    for (const { volumeId, epoch, instanceId, ownerEpoch } of [...bridges, ...own]) {
      const what = whatOf(volumeId, epoch);
      held.set(`${what} ${instanceId} ${ownerEpoch}`, { instanceId, ownerEpoch, what });
    }
    return [...held.values()];
  }

  /** The bridge goes first: a volume that nobody is noted for may be opened elsewhere. */
  async #release(isMeant: (one: Omit<Bridge, "mode">) => boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await told(async () => {
      await this.#endBridges(isMeant);
      await this.#known();
      for (const one of await this.#directory.opened())
        if (one.hostId === this.#options.hostId && isMeant(one))
          await this.#directory.forget(one.volumeId, one);
    });
  }

  async #endBridges(isMeant: (one: Bridge) => boolean): Promise<void> {
    const { bridges } = this.#options;
    for (const one of (await bridges.list()).filter(isMeant)) await bridges.end(one);
  }

  #inTurn<T>(volumeId: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(volumeId, async () => {
      signal.throwIfAborted();
      return this.#asked(work);
    });
  }

  /** Of a directory that is another node's nothing is told or touched. */
  #asked<T>(work: () => Promise<T>): Promise<T> {
    return told(async () => {
      await this.#known();
      return work();
    });
  }

  /** The storage's id, asked once in an agent's life; what has failed is asked again. */
  #known(): Promise<string | null> {
    this.#proved ??= proved(this.#options);
    const asked = this.#proved;
    asked.catch(() => {
      if (this.#proved === asked) this.#proved = undefined;
    });
    return asked;
  }
}

/** What the server or the host has refused, in the words of the port. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toldOf(error);
  }
}
