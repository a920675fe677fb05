/**
 * What a controller knows of the hosts without asking: names, and which of them were heard from lately, by
 * itself or (as the store has it) by another controller. Where a controller hears the hosts (its safety
 * channel) the signs of life are also written to the store, in batches.
 *
 * A controller that has just started, or was itself cut off, gives every host the benefit of the doubt for
 * one period: a silence that it could not have heard through proves nothing. It never decides that a host is
 * dead, only that it is silent.
 */
import { type HostDrivers, storagesSeenBy } from "../../../protocol/host-drivers.ts";
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import type { OfferedShapes } from "../../../protocol/shape.ts";
import type { Space } from "../../../protocol/space.ts";
import type { VolumeStorageState } from "../../../protocol/volume-storage.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { SignsOfLife } from "../../ports/signs-of-life.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostRecord } from "../../records/host.ts";
import { Periodic, type Round } from "../../runtime/periodic.ts";
import type { ActorSystem } from "../../runtime/system.ts";
import { type Fence, fenceSentence } from "./fence-proof.ts";
import { directoryLimits } from "./limits.ts";

export interface HostFacts {
  readonly name: string;
  readonly alive: boolean;
  /** Epoch of the host's lease; 0: the host holds no host lease. */
  readonly leaseEpoch: number;
  /** The shared storage of its guests' disks; null: its own storage. */
  readonly storageId: string | null;
  /** The shapes that the host offers to guests; absent: none. */
  readonly shapes?: OfferedShapes | undefined;
  readonly drivers?: HostDrivers | null | undefined;
}

/** A read of the hosts, for those who judge them all at once. */
export interface HostsRead {
  readonly hosts: readonly HostRecord[];
  /** When the read was done, on the monotonic clock. */
  readonly atMs: number;
  /** Monotonic: nothing could be heard before then, so silence counts from there. */
  readonly listeningSinceMs: number;
}

export interface HostDirectoryOptions {
  readonly system: Pick<ActorSystem, "spawn" | "clock">;
  readonly store: StorePart<{ hosts: "all" }>;
  /** Where to write which hosts were heard. Absent: whoever tells this directory has written it. */
  readonly signsOfLife?: Pick<SignsOfLife, "touch">;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after every round that read the hosts. It must not wait for anything. */
  readonly onRound?: (read: HostsRead) => void;
  /** See PeriodicOptions: without the hosts, nothing is placed, fenced or recovered. */
  readonly onFailed?: (() => void) | undefined;
  /** Called after every read of the hosts, which began at `readAtMs` (monotonic). */
  readonly onRead?: (hosts: readonly HostRecord[], readAtMs: number) => void;
}

/** A read that several wait for. */
interface SharedRead {
  readonly read: Promise<void>;
  /** The same, but rejected when the read is given up. */
  readonly orGivenUp: Promise<void>;
}

export class HostDirectory {
  readonly #options: HostDirectoryOptions;
  readonly #hosts = new Map<string, HostRecord>();
  readonly #heardAtMs = new Map<string, number>();
  /** The file systems of the hosts, as each last reported them to this controller. */
  readonly #spaces = new Map<string, readonly Space[]>();
  readonly #storages = new Map<string, readonly VolumeStorageState[]>();
  readonly #toTouch = new Set<string>();
  #listeningSinceMs: number;
  #lastRoundAtMs: number;
  readonly #rounds: Periodic;
  #closed = false;
  /** The read under way, or the last one. */
  #reading: Promise<void> | undefined;
  /** The next read; callers that arrive during `#reading` share it. */
  #next: SharedRead | undefined;
  /** Ends the waiting for each read that has not ended. */
  readonly #patience = new Set<(why: StatusError) => void>();
  /** Reads that began, and the number of the one whose hosts are shown. */
  #reads = 0;
  #shown = 0;

  constructor(options: HostDirectoryOptions) {
    this.#options = options;
    this.#listeningSinceMs = options.clock.monotonicMs();
    this.#lastRoundAtMs = this.#listeningSinceMs;
    this.#rounds = new Periodic(options.system, {
      name: "directory",
      pauseMs: () => leaseLimits.heartbeatPeriodMs / 2,
      roundMsMax: directoryLimits.directoryRoundMsMax,
      round: (round) => this.#round(round),
      onFailed: options.onFailed,
    });
  }

  /** Reads the hosts once, then again in every period until `close`. */
  async open(): Promise<void> {
    await this.#rounds.start();
  }

  close(): void {
    this.#closed = true;
    void this.#rounds.stop();
  }

  facts(hostId: string | null): HostFacts | undefined {
    const host = hostId === null ? undefined : this.#hosts.get(hostId);
    if (host === undefined) return undefined;
    const { name, lease, storageId, drivers } = host;
    const leaseEpoch = lease === null || lease.fencedBy !== null ? 0 : lease.leaseEpoch;
    return { name, alive: this.alive(host.id), leaseEpoch, storageId, shapes: drivers?.shapes, drivers };
  }

  /** The sets of storages that some host sees together, each once. */
  storagesTogether(): readonly (readonly string[])[] {
    const sets = new Map([...this.#hosts.values()].map(storagesSeenBy).map((ids) => [ids.join("\n"), ids]));
    return [...sets.values()];
  }

  get(hostId: string): HostRecord | undefined {
    return this.#hosts.get(hostId);
  }

  /**
   * The hosts among these that are fenced as far as this controller knows; a commit that rests on a fence
   * checks it.
   */
  fencesOf(hostIds: readonly string[]): readonly Fence[] {
    return [...new Set(hostIds)].flatMap((hostId) => {
      const host = this.#hosts.get(hostId);
      const proof = host?.lease?.fencedBy ?? null;
      if (!host?.lease || proof === null) return [];
      return [{ hostId, hostName: host.name, leaseEpoch: host.lease.leaseEpoch, proof }];
    });
  }

  /**
   * The proof, as a sentence, that the host runs nothing any more; undefined: it is not known to be fenced.
   */
  fenceOf(hostId: string | null): string | undefined {
    const proof = hostId === null ? undefined : this.#hosts.get(hostId)?.lease?.fencedBy;
    return proof ? fenceSentence(proof) : undefined;
  }

  /** Its name, and why it does not answer; null: it does, as far as is known. */
  heldBy(hostId: string): { readonly name: string; readonly silence: "fenced" | "silent" | null } {
    const name = this.#hosts.get(hostId)?.name ?? hostId;
    if (this.fenceOf(hostId) !== undefined) return { name, silence: "fenced" };
    return { name, silence: this.alive(hostId) ? null : "silent" };
  }

  alive(hostId: string): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#listeningSinceMs < leaseLimits.hostSilentMs) return true;
    const heardAtMs = this.#heardAtMs.get(hostId) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - heardAtMs < leaseLimits.hostSilentMs) return true;
    const lastSeenAtMs = this.#hosts.get(hostId)?.lastSeenAtMs ?? 0;
    return this.#options.clock.nowMs() - lastSeenAtMs < leaseLimits.hostSilentMs;
  }

  known(hostId: string): boolean {
    return this.#hosts.has(hostId);
  }

  /** All hosts, as last read. */
  all(): readonly HostRecord[] {
    return [...this.#hosts.values()];
  }

  heard(hostId: string, spaces?: readonly Space[], storages?: readonly VolumeStorageState[]): void {
    this.#heardAtMs.set(hostId, this.#options.clock.monotonicMs());
    if (this.#options.signsOfLife !== undefined) this.#toTouch.add(hostId);
    if (spaces !== undefined) this.#spaces.set(hostId, spaces);
    if (storages !== undefined) this.#storages.set(hostId, storages);
  }

  /** The host's file systems; undefined: it has not reported them to this controller. */
  spaces(hostId: string): readonly Space[] | undefined {
    return this.#spaces.get(hostId);
  }

  /** The storages of the host's volumes; undefined: it has not told this controller. */
  volumeStorages(hostId: string): readonly VolumeStorageState[] | undefined {
    return this.#storages.get(hostId);
  }

  /**
   * How a storage of volumes is, one that hosts share or a host's own, as the least silent of the hosts says
   * that this controller hears; undefined: none has told it.
   */
  volumeStorage(place: {
    readonly storageId: string | null;
    readonly hostId?: string | null;
  }): VolumeStorageState | undefined {
    const { storageId, hostId: its } = place;
    const told = [...this.#storages].flatMap(([hostId, states]) =>
      this.alive(hostId) && (storageId !== null || hostId === its)
        ? states.filter((one) => one.storageId === storageId)
        : [],
    );
    return told.reduce<VolumeStorageState | undefined>(
      (best, one) => (best === undefined || (one.silentMs ?? 0) < (best.silentMs ?? 0) ? one : best),
      undefined,
    );
  }

  /** Call when the bus was away: no host could be heard until now. */
  cutOff(): void {
    this.#listeningSinceMs = this.#options.clock.monotonicMs();
  }

  /** Call when hosts have changed: reads them again, soon. If that fails, the next round reads them. */
  refreshSoon(): void {
    if (!this.#closed) this.refresh().catch(() => undefined);
  }

  /**
   * Call when hosts have changed: reads them now. All callers during a read share the next one, as the read
   * under way may be too old for them: a thousand hosts that register at once cost a few reads, not a
   * thousand. @throws UNAVAILABLE storeUnavailable
   */
  refresh(): Promise<void> {
    return this.#share().orGivenUp;
  }

  #share(): SharedRead {
    if (this.#next !== undefined) return this.#next;
    const { promise: givenUp, reject } = Promise.withResolvers<never>();
    this.#patience.add(reject);
    const read = this.#afterPresent().finally(() => this.#patience.delete(reject));
    const orGivenUp = Promise.race([read, givenUp]);
    // A round waits for the read itself.
    orGivenUp.catch(() => undefined);
    this.#next = { read, orGivenUp };
    return this.#next;
  }

  async #afterPresent(): Promise<void> {
    await this.#reading?.catch(() => undefined);
    this.#next = undefined;
    this.#reading = this.#read();
    return this.#reading;
  }

  async #read(): Promise<void> {
    const { clock, store, onRead } = this.#options;
    const readAtMs = clock.monotonicMs();
    this.#reads += 1;
    const number = this.#reads;
    const hosts = await store.hosts.all();
    // A read that was given up may end after a younger one.
    if (number < this.#shown) return;
    this.#shown = number;
    onRead?.(hosts, readAtMs);
    this.#hosts.clear();
    for (const host of hosts) this.#hosts.set(host.id, host);
    for (const known of [this.#heardAtMs, this.#spaces, this.#storages])
      for (const id of known.keys()) if (!this.#hosts.has(id)) known.delete(id);
  }

  /** Those who wait for the read are told that it failed; the next read does not wait for it. */
  #giveUp(): void {
    if (this.#closed) return;
    this.#reading = undefined;
    this.#next = undefined;
    for (const giveUp of this.#patience)
      giveUp(new StatusError("storeUnavailable", "The hosts could not be read in time."));
    this.#patience.clear();
  }

  async #round(round: Round): Promise<void> {
    const giveUp = () => this.#giveUp();
    round.signal.addEventListener("abort", giveUp, { once: true });
    await this.#readHosts(round).finally(() => round.signal.removeEventListener("abort", giveUp));
  }

  async #readHosts({ signal, fail, did }: Round): Promise<void> {
    const { clock, log, signsOfLife } = this.#options;
    const nowMs = clock.monotonicMs();
    // A process that was paused, or starved, has heard nothing either.
    if (nowMs - this.#lastRoundAtMs > leaseLimits.hostSilentMs / 2) this.#listeningSinceMs = nowMs;
    this.#lastRoundAtMs = nowMs;
    const touched = [...this.#toTouch];
    try {
      if (touched.length > 0) await signsOfLife?.touch(touched, clock.nowMs());
      for (const id of touched) this.#toTouch.delete(id);
      await this.#share().read;
      if (signal.aborted) return;
      const hosts = [...this.#hosts.values()];
      const listeningSinceMs = this.#listeningSinceMs;
      this.#options.onRound?.({ hosts, atMs: clock.monotonicMs(), listeningSinceMs });
      did(`${hosts.length} hosts read, ${touched.length} heard`);
    } catch (error) {
      if (signal.aborted) return;
      // While the store is away no host can have renewed its host lease.
      this.#listeningSinceMs = clock.monotonicMs();
      log.warn({ error }, "the hosts were not read");
      fail();
    }
  }
}
