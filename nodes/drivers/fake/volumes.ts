/**
 * A storage of volumes in memory, with the promises of a real one: one volume an id, whose path has its
 * epoch, so that the path of an earlier epoch is gone. Hosts share the storage when they share the pool.
 * Nothing here touches the real computer.
 */
import type { VolumeName } from "../../../actors/ports/hypervisor.ts";
import type { Holding } from "../../../actors/ports/keeper.ts";
import type {
  BlockDevice,
  KeptVolume,
  OpenVolumes,
  VolumePage,
  VolumeSource,
  VolumeStorage,
  VolumeStorageFacts,
  VolumeUsage,
  VolumeUse,
  WantedVolume,
} from "../../../actors/ports/volumes.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { VolumesDriver } from "../kinds.ts";
import { throwIfAborted } from "../waiting.ts";
import { fakeFacts } from "./facts.ts";
import { type FakeVolumePart, FakeVolumeParts } from "./volume-parts.ts";

/** What is in a volume's file: a process that has it open writes on, whatever becomes of its name. */
export interface FakeVolumeFile {
  /** Number of writes by guests. Negative: it is a copy of different moments. */
  writes: number;
}

interface Kept {
  epoch: number;
  sizeBytes: number;
  readonly file: FakeVolumeFile;
  /** The guests that have the volume open, by instance; `host` tells the hosts apart. */
  readonly uses: Map<string, { readonly host: object; readonly holding: Holding }>;
}

/** The volumes by id, which outlive the agents of their hosts. */
export class FakeVolumePool {
  readonly volumes = new Map<string, Kept>();
  /** Copies of volumes that have no name yet. */
  readonly parts = new FakeVolumeParts();
  readonly storageId: string | null;
  readonly capacityBytes: number;
  /** The size of every image that a volume is made of. */
  imageBytes = 0;
  /** Guests have written one byte of so many that were promised. */
  writtenPart = 16;

  /** `storageId`: null when no other host has the pool. */
  constructor(storageId: string | null = null, capacityBytes = 1024 ** 4) {
    this.storageId = storageId;
    this.capacityBytes = capacityBytes;
  }

  usedBytes(): number {
    return [...this.volumes.values(), ...this.parts.all].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** What a process opens under the path of that epoch; undefined: there is nothing. */
  fileOf({ volumeId, epoch }: VolumeName): FakeVolumeFile | undefined {
    const known = this.volumes.get(volumeId);
    return known?.epoch === epoch ? known.file : undefined;
  }

  /** @throws diskFull, and nothing is changed */
  refuseMore(bytes: number): void {
    if (this.usedBytes() + bytes <= this.capacityBytes) return;
    throw new StatusError("diskFull", "The storage of volumes has no room for that.");
  }
}

export class FakeVolumes implements VolumeStorage {
  readonly kind = "volume";
  readonly #pool: FakeVolumePool;
  readonly #host: object;
  /** Passes before each piece of a copy of a volume. */
  #pieceTakes: (signal: AbortSignal) => Promise<void> = async () => undefined;
  /** Copies under way: what is done with a volume that is being made waits, as in the real storage. */
  readonly #copying = new Map<string, Promise<void>>();

  /** `host`: the same for all lives of one host's agent. */
  constructor(pool = new FakeVolumePool(), host: object = {}) {
    this.#pool = pool;
    this.#host = host;
  }

  async facts(): Promise<VolumeStorageFacts> {
    const { storageId } = this.#pool;
    return {
      ...{ kind: "fake", storageId, multiattach: false, thin: false, extendsOnline: true },
      ...{ fencing: "rename", sources: ["image", "volume"] },
    };
  }

  /** Copies of volumes take time from now on. */
  slowDown(pieceTakes: (signal: AbortSignal) => Promise<void>): void {
    this.#pieceTakes = pieceTakes;
  }

  /** Its volumes have no bytes, so that an image may be of any size. */
  #refuseSource(source: VolumeSource, sizeBytes: number): void {
    if (source.kind === "image") {
      if (sizeBytes >= this.#pool.imageBytes) return;
    } else {
      const known = this.#volume(source.volumeId, source.epoch, false);
      if (known.uses.size === 0 && known.sizeBytes <= sizeBytes) return;
    }
    throw new StatusError("hypervisorRefused", "The volume cannot be made of that.");
  }

  async create(volumeId: string, { epoch, sizeBytes, source }: WantedVolume, signal: AbortSignal) {
    if (this.#copying.has(volumeId)) await this.#turn(volumeId);
    throwIfAborted(signal);
    const known = this.#pool.volumes.get(volumeId);
    if (known === undefined) {
      if (source !== undefined) this.#refuseSource(source, sizeBytes);
      // What an earlier life of the agent has begun is begun anew.
      this.#pool.parts.drop(volumeId, this.#host);
      this.#pool.refuseMore(sizeBytes);
      if (source?.kind === "volume") {
        const part = this.#pool.parts.begin({ volumeId, epoch, sizeBytes, host: this.#host });
        await this.#inTurn(volumeId, () => this.#copy(part, source, signal));
      } else this.#pool.volumes.set(volumeId, { epoch, sizeBytes, file: { writes: 0 }, uses: new Map() });
      return;
    }
    if (known.epoch > epoch) throw stale(volumeId);
    if (known.epoch === epoch) return;
    const message = `The volume ${volumeId} is there with epoch ${known.epoch}: it is taken over, not made anew.`;
    throw new StatusError("hypervisorRefused", message);
  }

  async #copy(part: FakeVolumePart, source: VolumeName, signal: AbortSignal): Promise<void> {
    const { volumes, parts } = this.#pool;
    const { volumeId, epoch, sizeBytes } = part;
    try {
      for (const _ of fakeCopyPieces) {
        await this.#pieceTakes(signal);
        throwIfAborted(signal);
        const { file } = this.#volume(source.volumeId, source.epoch, false);
        if (!parts.has(part)) throw missing(volumeId, epoch);
        part.pieces.push(file.writes);
      }
    } catch (error) {
      parts.remove(part);
      throw error;
    }
    const [first = 0] = part.pieces;
    const file = { writes: part.pieces.every((one) => one === first) ? first : tornWrites };
    // Another host may have been faster, and has made the very same.
    if (!volumes.has(volumeId)) volumes.set(volumeId, { epoch, sizeBytes, file, uses: new Map() });
    parts.drop(volumeId);
  }

  async #inTurn(volumeId: string, work: () => Promise<void>): Promise<void> {
    const done = work().finally(() => this.#copying.delete(volumeId));
    this.#copying.set(volumeId, done);
    await done;
  }

  async #turn(volumeId: string): Promise<void> {
    await this.#copying.get(volumeId)?.catch(() => undefined);
  }

  async open(volumeId: string, use: VolumeUse, signal: AbortSignal): Promise<BlockDevice> {
    throwIfAborted(signal);
    const { instanceId, ownerEpoch, epoch, takesOver, mode } = use;
    const known = this.#volume(volumeId, epoch, takesOver);
    if (known.epoch < epoch) {
      known.epoch = epoch;
      known.uses.clear();
    }
    const others = [...known.uses.keys()].filter((user) => user !== instanceId);
    if (others.length > 0)
      throw new StatusError("hypervisorRefused", `The volume ${volumeId} is open for another instance.`);
    const holding = { instanceId, ownerEpoch, what: `volume ${volumeId} of epoch ${epoch}` };
    known.uses.set(instanceId, { host: this.#host, holding });
    return { kind: "file", path: `/fake/volumes/${volumeId}.e${epoch}`, format: "raw", mode };
  }

  async extend(volumeId: string, { epoch, sizeBytes }: WantedVolume, signal: AbortSignal): Promise<number> {
    throwIfAborted(signal);
    const known = this.#volume(volumeId, epoch, false);
    this.#pool.refuseMore(Math.max(0, sizeBytes - known.sizeBytes));
    known.sizeBytes = Math.max(known.sizeBytes, sizeBytes);
    return known.sizeBytes;
  }

  async releaseOthers({ instanceId, ownerEpoch, volumes }: OpenVolumes, signal: AbortSignal) {
    throwIfAborted(signal);
    for (const [volumeId, { epoch, uses }] of this.#pool.volumes) {
      const use = uses.get(instanceId);
      const stays = volumes.some((one) => one.volumeId === volumeId && one.epoch === epoch);
      const isOwn = use?.host === this.#host && use.holding.ownerEpoch <= ownerEpoch;
      if (isOwn && !stays) uses.delete(instanceId);
    }
  }

  async remove(volumeId: string, epoch: number, signal: AbortSignal): Promise<void> {
    if (this.#copying.has(volumeId)) await this.#turn(volumeId);
    throwIfAborted(signal);
    const known = this.#pool.volumes.get(volumeId);
    if (known !== undefined && known.epoch <= epoch) this.#pool.volumes.delete(volumeId);
    this.#pool.parts.drop(volumeId);
  }

  async volumes(): Promise<readonly KeptVolume[]> {
    const whole = [...this.#pool.volumes].map(([volumeId, { epoch, sizeBytes }]) => ({
      ...{ volumeId, epoch, sizeBytes, allocatedBytes: sizeBytes, whole: true },
    }));
    const parts = this.#pool.parts.all.map(({ volumeId, epoch, sizeBytes }) => ({
      ...{ volumeId, epoch, sizeBytes, allocatedBytes: sizeBytes, whole: false },
    }));
    return [...whole, ...parts];
  }

  async page(after: string | undefined, volumesMax: number): Promise<VolumePage> {
    const isAfter = ({ volumeId }: KeptVolume) => after === undefined || volumeId > after;
    const all = (await this.volumes()).filter(isAfter);
    all.sort((one, other) => (one.volumeId < other.volumeId ? -1 : 1));
    const volumes = all.slice(0, volumesMax);
    const last = volumes.at(-1)?.volumeId;
    return { volumes, ...(last === undefined || all.length === volumes.length ? {} : { next: last }) };
  }

  async usage(): Promise<VolumeUsage> {
    const usedBytes = this.#pool.usedBytes();
    const { capacityBytes, writtenPart } = this.#pool;
    // Volumes are thin, as those in files are.
    const allocatedBytes = Math.ceil(usedBytes / writtenPart);
    const freeBytes = capacityBytes - allocatedBytes;
    return { capacityBytes, freeBytes, promisedBytes: usedBytes, allocatedBytes };
  }

  async list(): Promise<readonly Holding[]> {
    return [...this.#pool.volumes.values()].flatMap(({ uses }) =>
      [...uses.values()].filter(({ host }) => host === this.#host).map(({ holding }) => holding),
    );
  }

  async release({ instanceId, what }: Holding, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    for (const { uses } of this.#pool.volumes.values()) {
      const use = uses.get(instanceId);
      if (use?.host === this.#host && use.holding.what === what) uses.delete(instanceId);
    }
  }

  /** @throws staleEpoch, diskMissing */
  #volume(volumeId: string, epoch: number, takesOver: boolean): Kept {
    const known = this.#pool.volumes.get(volumeId);
    if (known !== undefined && known.epoch > epoch) throw stale(volumeId);
    if (known !== undefined && (known.epoch === epoch || takesOver)) return known;
    throw missing(volumeId, epoch);
  }
}

/** A copy has come in so many. */
const fakeCopyPieces = [1, 2, 3];
/** What is found in a copy whose pieces are of different moments. */
const tornWrites = -1;

const missing = (volumeId: string, epoch: number): StatusError =>
  new StatusError("diskMissing", `The volume ${volumeId} of epoch ${epoch} is not on the storage.`);

const stale = (volumeId: string): StatusError =>
  new StatusError("staleEpoch", `The volume ${volumeId} belongs to a newer epoch.`);

export const fakeVolumes: VolumesDriver<typeof fakeFacts.options> = {
  ...fakeFacts,
  open: () => new FakeVolumes(),
};
