/**
 * What a controller knows of the hosts without asking: names, and which of them were heard from lately, by
 * itself or (as the store has it) by another controller. Where a controller hears the hosts (its safety
 * channel) the signs of life are also written to the store, in batches.
 *
 * A controller that has just started, or was itself cut off, gives every host the benefit of the doubt for
 * one period: a silence that it could not have heard through proves nothing. It never decides that a host is
 * dead, only that it is silent.
 */
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import type { Space } from "../../../protocol/space.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { Store } from "../../ports/store.ts";
import type { HostRecord } from "../../records/host.ts";
import { type Loop, Periodic, type Round } from "../../runtime/periodic.ts";
import type { Fence } from "./fence-proof.ts";
import { fenceSentence } from "./fence-proof.ts";

export interface HostFacts {
  readonly name: string;
  readonly alive: boolean;
  /** Epoch of the host's lease; 0: the host holds no host lease. */
  readonly leaseEpoch: number;
  /** The shared storage of its guests' disks; null: its own storage. */
  readonly storageId: string | null;
}

export interface HostDirectoryOptions {
  readonly store: Pick<Store, "allHosts">;
  /** Where to write which hosts were heard. Absent: whoever tells this directory has written it. */
  readonly signsOfLife?: Pick<Store, "touchHosts">;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Called after every round that read the hosts. `listeningSinceMs` (monotonic): nothing could be heard
   * before then, so silence counts from there.
   */
  readonly onRound?: (hosts: readonly HostRecord[], listeningSinceMs: number) => void;
  /** Called after every read of the hosts, which began at `readAtMs` (monotonic). */
  readonly onRead?: (hosts: readonly HostRecord[], readAtMs: number) => void;
}

export class HostDirectory {
  readonly #options: HostDirectoryOptions;
  readonly #hosts = new Map<string, HostRecord>();
  readonly #heardAtMs = new Map<string, number>();
  /** The file systems of the hosts, as each last reported them to this controller. */
  readonly #spaces = new Map<string, readonly Space[]>();
  readonly #toTouch = new Set<string>();
  #listeningSinceMs: number;
  #lastRoundAtMs: number;
  readonly #rounds: Periodic;
  #closed = false;
  /** The read under way, or the last one. */
  #reading: Promise<void> | undefined;
  /** The next read; callers that arrive during `#reading` share it. */
  #next: Promise<void> | undefined;

  constructor(options: HostDirectoryOptions) {
    this.#options = options;
    this.#listeningSinceMs = options.clock.monotonicMs();
    this.#lastRoundAtMs = this.#listeningSinceMs;
    const { clock, log } = options;
    this.#rounds = new Periodic({
      ...{ name: "directory", clock, log },
      pauseMs: () => leaseLimits.heartbeatPeriodMs / 2,
      round: (round) => this.#round(round),
    });
  }

  get loop(): Loop {
    return this.#rounds.loop;
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
    const { name, lease, storageId } = host;
    const leaseEpoch = lease === null || lease.fencedBy !== null ? 0 : lease.leaseEpoch;
    return { name, alive: this.alive(host.id), leaseEpoch, storageId };
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

  heard(hostId: string, spaces?: readonly Space[]): void {
    this.#heardAtMs.set(hostId, this.#options.clock.monotonicMs());
    if (this.#options.signsOfLife !== undefined) this.#toTouch.add(hostId);
    if (spaces !== undefined) this.#spaces.set(hostId, spaces);
  }

  /** The host's file systems; undefined: it has not reported them to this controller. */
  spaces(hostId: string): readonly Space[] | undefined {
    return this.#spaces.get(hostId);
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
    this.#next ??= this.#afterPresent();
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
    const hosts = await store.allHosts();
    onRead?.(hosts, readAtMs);
    this.#hosts.clear();
    for (const host of hosts) this.#hosts.set(host.id, host);
    for (const known of [this.#heardAtMs, this.#spaces])
      for (const id of known.keys()) if (!this.#hosts.has(id)) known.delete(id);
  }

  async #round({ fail }: Round): Promise<void> {
    const { clock, log, signsOfLife } = this.#options;
    const nowMs = clock.monotonicMs();
    // A process that was paused, or starved, has heard nothing either.
    if (nowMs - this.#lastRoundAtMs > leaseLimits.hostSilentMs / 2) this.#listeningSinceMs = nowMs;
    this.#lastRoundAtMs = nowMs;
    const touched = [...this.#toTouch];
    try {
      if (touched.length > 0) await signsOfLife?.touchHosts(touched, clock.nowMs());
      for (const id of touched) this.#toTouch.delete(id);
      await this.refresh();
      this.#options.onRound?.([...this.#hosts.values()], this.#listeningSinceMs);
    } catch (error) {
      // While the store is away no host can have renewed its host lease.
      this.#listeningSinceMs = clock.monotonicMs();
      log.warn({ error }, "the hosts were not read");
      fail();
    }
  }
}
