/**
 * Looks at the storages of volumes that a host sees, now and then, so that its reports say which they are and
 * how full. Nobody waits for a storage: one that does not answer is told as it was, with how long it has been
 * silent, and is not asked a second time meanwhile. Silence must never take a storage from the host's words.
 */
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import type { OfferedVolumeStorage, VolumeStorageState } from "../../../protocol/volume-storage.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { VolumeStorage, VolumeStorageFacts, VolumeUsage } from "../../ports/volumes.ts";
import { Periodic, type Round } from "../../runtime/periodic.ts";
import type { ActorSystem } from "../../runtime/system.ts";
import { hostLimits } from "./limits.ts";

export interface VolumeStorageWatchOptions {
  readonly system: Pick<ActorSystem, "spawn" | "clock">;
  readonly storages: readonly VolumeStorage[];
  readonly log: Log;
  /** The shared storage of its disks, whose room the host offers itself; null: none. */
  readonly disksStorageId: string | null;
}

interface Heard {
  readonly facts: VolumeStorageFacts;
  readonly usage: VolumeUsage | undefined;
  /** Monotonic. */
  readonly atMs: number;
}

export class VolumeStorageWatch {
  readonly #options: VolumeStorageWatchOptions;
  readonly #rounds: Periodic;
  /** Resolves after the first look, or when a storage has been silent for long enough. Never rejects. */
  readonly looked: Promise<void>;
  readonly #heard = new Map<VolumeStorage, Heard>();
  readonly #asked = new Set<VolumeStorage>();
  /** Sizes that were told of storages, by their ids: a small change is no news. */
  readonly #sizes = new Map<string, number>();

  constructor(options: VolumeStorageWatchOptions) {
    this.#options = options;
    this.#rounds = new Periodic(options.system, {
      name: "volume-storages",
      pauseMs: () => hostLimits.volumeStoragesLookPeriodMs,
      roundMsMax: hostLimits.volumeStoragesRoundMsMax,
      round: (round) => this.#look(round),
    });
    const isAny = options.storages.length > 0;
    this.looked = isAny ? this.#rounds.start().catch(() => undefined) : Promise.resolve();
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** Storages that have answered in this life of the agent. */
  get states(): readonly VolumeStorageState[] {
    const nowMs = this.#options.system.clock.monotonicMs();
    return this.#options.storages.flatMap((storage) => {
      const heard = this.#heard.get(storage);
      return heard === undefined ? [] : [stateOf(heard, nowMs)];
    });
  }

  /** Those that other hosts may see as well. Undefined: not all have answered yet. */
  get offered(): readonly OfferedVolumeStorage[] | undefined {
    const { storages, disksStorageId } = this.#options;
    const heard = storages.flatMap((storage) => this.#heard.get(storage) ?? []);
    if (heard.length < storages.length) return undefined;
    return heard.flatMap(({ facts: { storageId: id, kind }, usage }) =>
      id === null || id === disksStorageId ? [] : [{ id, kind, sizeGib: this.#sizeOf(id, usage) }],
    );
  }

  #sizeOf(id: string, usage: VolumeUsage | undefined): number {
    const { hostDiskGibMax } = fieldLimits;
    const gib = Math.floor((usage?.capacityBytes ?? Number.POSITIVE_INFINITY) / bytesPerGib);
    const [now, told] = [Math.min(gib, hostDiskGibMax), this.#sizes.get(id)];
    const { volumeStorageNewsShare } = hostLimits;
    if (told !== undefined && Math.abs(now - told) <= told * volumeStorageNewsShare) return told;
    this.#sizes.set(id, now);
    return now;
  }

  async #look({ signal, fail, did }: Round): Promise<void> {
    const { storages, system } = this.#options;
    const due = storages.filter((storage) => !this.#asked.has(storage));
    const looks = due.map((storage) => this.#ask(storage));
    const waited = Promise.withResolvers<void>();
    const timer = system.clock.after(hostLimits.volumeStoragesAwaitedMs, () => waited.resolve());
    await Promise.race([Promise.all(looks), waited.promise]);
    timer.cancel();
    if (signal.aborted) return;
    const silent = this.states.filter(({ silentMs }) => silentMs !== undefined).length;
    if (silent > 0) fail();
    did(`${this.#heard.size} storages of volumes, ${silent} of them silent`);
  }

  async #ask(storage: VolumeStorage): Promise<void> {
    this.#asked.add(storage);
    try {
      const facts = await storage.facts();
      const usage = await storage.usage?.();
      this.#heard.set(storage, { facts, usage, atMs: this.#options.system.clock.monotonicMs() });
    } catch (thrown) {
      // For how long it has been silent its state tells, and what is asked of it for a guest says why.
      this.#options.log.debug({ error: String(thrown) }, "a storage of volumes does not answer");
    } finally {
      this.#asked.delete(storage);
    }
  }
}

const bytesPerMib = 1024 ** 2;
const bytesPerGib = 1024 ** 3;

function stateOf({ facts, usage, atMs }: Heard, nowMs: number): VolumeStorageState {
  const { storageId, kind, fencing = "rename", extendsOnline } = facts;
  const ageMs = Math.round(nowMs - atMs);
  const isSilent = ageMs > hostLimits.volumeStoragesLookPeriodMs + hostLimits.volumeStoragesRoundMsMax;
  return {
    ...{ storageId, kind, fencing, extendsOnline },
    ...(usage === undefined ? {} : inMib(usage)),
    ...(isSilent ? { silentMs: ageMs } : {}),
  };
}

const inMib = ({ capacityBytes, freeBytes, promisedBytes, allocatedBytes }: VolumeUsage) => ({
  totalMib: Math.floor(capacityBytes / bytesPerMib),
  freeMib: Math.max(0, Math.floor(freeBytes / bytesPerMib)),
  promisedMib: Math.ceil(promisedBytes / bytesPerMib),
  allocatedMib: Math.ceil(allocatedBytes / bytesPerMib),
});
