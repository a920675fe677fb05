/**
 * What a controller knows of the hosts without asking: names, and who was heard from lately, by itself or (as
 * the store has it) by another controller. Signs of life are written to the store in batches.
 *
 * A controller that has just begun, or was itself cut off, gives every host the benefit of the doubt for one
 * period: a silence that it could not have heard through proves nothing. It never decides that a host is
 * dead, only that it is silent.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import type { Clock, Log, Timer } from "../../../protocol/wire/transport.ts";
import type { Store } from "../../ports/store.ts";
import type { HostRecord } from "../../records/host.ts";
import type { Fence } from "./fence-proof.ts";
import { fenceSentence } from "./fence-proof.ts";

export interface HostFacts {
  readonly name: string;
  readonly alive: boolean;
  /** Of the lease that it holds; 0: none. */
  readonly leaseEpoch: number;
  /** The shared storage that its guests' disks are in; null: its own. */
  readonly storageId: string | null;
}

export interface HostDirectoryOptions {
  readonly store: Pick<Store, "allHosts" | "touchHosts">;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * After every round that read the hosts. `listeningSinceMs` (monotonic): before it nothing could be heard,
   * so silence counts from there.
   */
  readonly onRound?: (hosts: readonly HostRecord[], listeningSinceMs: number) => void;
  /** After every reading of the hosts, which began at `readAtMs` (monotonic). */
  readonly onRead?: (hosts: readonly HostRecord[], readAtMs: number) => void;
}

export class HostDirectory {
  readonly #options: HostDirectoryOptions;
  readonly #hosts = new Map<string, HostRecord>();
  readonly #heardAtMs = new Map<string, number>();
  readonly #toTouch = new Set<string>();
  #listeningSinceMs: number;
  #lastRoundAtMs: number;
  #timer: Timer | undefined;
  #closed = false;
  /** The reading that is under way, or was the last. */
  #reading: Promise<void> | undefined;
  /** The one that begins when it has ended. */
  #next: Promise<void> | undefined;

  constructor(options: HostDirectoryOptions) {
    this.#options = options;
    this.#listeningSinceMs = options.clock.monotonicMs();
    this.#lastRoundAtMs = this.#listeningSinceMs;
  }

  /** Reads the hosts once, then again in every period until `close`. */
  async open(): Promise<void> {
    await this.#round();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  facts(hostId: string | null): HostFacts | undefined {
    const host = hostId === null ? undefined : this.#hosts.get(hostId);
    if (host === undefined) return undefined;
    const { name, lease, storageId = null } = host;
    const leaseEpoch = lease === null || lease.fencedBy !== null ? 0 : lease.epoch;
    return { name, alive: this.alive(host.id), leaseEpoch, storageId };
  }

  get(hostId: string): HostRecord | undefined {
    return this.#hosts.get(hostId);
  }

  /** The hosts among these that are fenced as far as is known; what rests on it is checked by its commit. */
  fencesOf(hostIds: readonly string[]): readonly Fence[] {
    return [...new Set(hostIds)].flatMap((hostId) => {
      const host = this.#hosts.get(hostId);
      const proof = host?.lease?.fencedBy ?? null;
      if (!host?.lease || proof === null) return [];
      return [{ hostId, hostName: host.name, epoch: host.lease.epoch, proof }];
    });
  }

  /** Why it is sure that nothing runs on a fenced host; undefined: it is not known to be fenced. */
  fenceOf(hostId: string | null): string | undefined {
    const proof = hostId === null ? undefined : this.#hosts.get(hostId)?.lease?.fencedBy;
    return proof ? fenceSentence(proof) : undefined;
  }

  alive(hostId: string): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#listeningSinceMs < limits.hostSilentMs) return true;
    const heardAtMs = this.#heardAtMs.get(hostId) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - heardAtMs < limits.hostSilentMs) return true;
    const lastSeenAtMs = this.#hosts.get(hostId)?.lastSeenAtMs ?? 0;
    return this.#options.clock.nowMs() - lastSeenAtMs < limits.hostSilentMs;
  }

  known(hostId: string): boolean {
    return this.#hosts.has(hostId);
  }

  /** As they were read last. */
  all(): readonly HostRecord[] {
    return [...this.#hosts.values()];
  }

  heard(hostId: string): void {
    this.#heardAtMs.set(hostId, this.#options.clock.monotonicMs());
    this.#toTouch.add(hostId);
  }

  /** The bus was away: nobody could have been heard. */
  cutOff(): void {
    this.#listeningSinceMs = this.#options.clock.monotonicMs();
  }

  /** Something about hosts has changed: read them once more, soon; a failure is found by the next round. */
  refreshSoon(): void {
    if (!this.#closed) this.refresh().catch(() => undefined);
  }

  /**
   * Something about hosts has changed: read them now. Whoever asks while they are being read shares the next
   * reading with all others who did, as this one may be too old for it: a thousand hosts that register at
   * once cost a few readings, not a thousand. @throws UNAVAILABLE storeUnavailable
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
    for (const id of this.#heardAtMs.keys()) if (!this.#hosts.has(id)) this.#heardAtMs.delete(id);
  }

  async #round(): Promise<void> {
    const { clock, log, store } = this.#options;
    const nowMs = clock.monotonicMs();
    // A process that was stopped, or starved, has heard nothing either.
    if (nowMs - this.#lastRoundAtMs > limits.hostSilentMs / 2) this.#listeningSinceMs = nowMs;
    this.#lastRoundAtMs = nowMs;
    const touched = [...this.#toTouch];
    try {
      if (touched.length > 0) await store.touchHosts(touched, clock.nowMs());
      for (const id of touched) this.#toTouch.delete(id);
      await this.refresh();
      this.#options.onRound?.([...this.#hosts.values()], this.#listeningSinceMs);
    } catch (error) {
      // Without the store nobody can have renewed anything.
      this.#listeningSinceMs = clock.monotonicMs();
      log.warn({ error }, "the hosts were not read");
    }
    if (!this.#closed) this.#timer = clock.after(limits.heartbeatPeriodMs / 2, () => void this.#round());
  }
}
