/**
 * Who can tell at the storage that a host is gone. A host that has seen another one hold its lease on the
 * storage knows that it would see it: it is a witness, and may take that lease when nobody holds it any more.
 * A storage whose locks end at each host shows no held lease to anybody, and so proves nothing.
 *
 * A memory of one controller; it must never believe a witness of another epoch of the lease.
 */
import { limits } from "../../protocol/limits.ts";
import type { Clock, LeaseKey } from "../runtime/ports.ts";
import type { HostRecord } from "../runtime/records.ts";
import type { StorageLeaseState } from "../runtime/storage-leases.ts";

/** Asks a host about another one's lease. */
export type ExamineStorage = (
  witnessId: string,
  lease: LeaseKey,
  take: boolean,
) => Promise<StorageLeaseState>;

export interface WitnessesOptions {
  readonly examine: ExamineStorage;
  readonly clock: Clock;
}

interface Known {
  readonly epoch: number;
  readonly by: Set<string>;
  /** Takes turns among those who could be asked. */
  turn: number;
  /** Monotonic. */
  nextLookAtMs: number;
  busy: boolean;
}

export class Witnesses {
  readonly #options: WitnessesOptions;
  readonly #known = new Map<string, Known>();
  #looking = 0;

  constructor(options: WitnessesOptions) {
    this.#options = options;
  }

  /** Finds witnesses for whoever has too few; `missed`: ids of hosts that were not heard from lately. */
  look(hosts: readonly HostRecord[], missed: ReadonlySet<string>): void {
    const present = new Set(hosts.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!present.has(id)) this.#known.delete(id);
    const nowMs = this.#options.clock.monotonicMs();
    const fit = peersByStorage(hosts.filter((host) => holds(host) && !missed.has(host.id)));
    for (const peers of fit.values())
      for (const host of peers) if (host.lease?.storageHeld === true) this.#lookAt(host, peers, nowMs);
  }

  /** The host that took it; undefined: it is held, or nobody can tell. */
  async take(
    host: HostRecord,
    hosts: readonly HostRecord[],
    missed: ReadonlySet<string>,
  ): Promise<HostRecord | undefined> {
    const known = this.#of(host);
    const fit = hosts.filter((one) => known?.by.has(one.id) === true && holds(one) && !missed.has(one.id));
    for (const witness of fit) {
      const state = await this.#ask(witness, host, true);
      if (state === "taken") return witness;
      if (state === "held") return undefined;
    }
    return undefined;
  }

  #of({ id, lease }: HostRecord): Known | undefined {
    if (lease === null) return undefined;
    const known = this.#known.get(id);
    if (known?.epoch === lease.epoch) return known;
    const fresh = { epoch: lease.epoch, by: new Set<string>(), turn: 0, nextLookAtMs: 0, busy: false };
    this.#known.set(id, fresh);
    return fresh;
  }

  #lookAt(host: HostRecord, peers: readonly HostRecord[], nowMs: number): void {
    const known = this.#of(host);
    if (known === undefined || known.busy || nowMs < known.nextLookAtMs) return;
    if (this.#looking >= limits.storageLooksAtOnceMax) return;
    const living = peers.filter(({ id }) => known.by.has(id)).length;
    const others = peers.filter(({ id }) => id !== host.id && !known.by.has(id));
    const peer = others[known.turn % Math.max(1, others.length)];
    if (living >= limits.storageWitnessesMax || peer === undefined) return;
    known.turn += 1;
    void this.#see(host, peer, known);
  }

  async #see(host: HostRecord, peer: HostRecord, known: Known): Promise<void> {
    known.busy = true;
    this.#looking += 1;
    const state = await this.#ask(peer, host, false);
    this.#looking -= 1;
    known.busy = false;
    if (state === "held") known.by.add(peer.id);
    else known.nextLookAtMs = this.#options.clock.monotonicMs() + limits.storageLookAgainMs;
  }

  /** Undefined: it did not answer, or does not know. */
  async #ask(peer: HostRecord, { id: hostId, lease }: HostRecord, take: boolean) {
    try {
      return await this.#options.examine(peer.id, { hostId, epoch: lease?.epoch ?? 0 }, take);
    } catch {
      // An agent of before, one that ends, or a storage that does not answer: somebody else is asked.
      return undefined;
    }
  }
}

const holds = ({ lease }: HostRecord): boolean => lease !== null && lease.fencedBy === null;

function peersByStorage(hosts: readonly HostRecord[]): ReadonlyMap<string, readonly HostRecord[]> {
  const found = new Map<string, HostRecord[]>();
  for (const host of hosts) {
    if (host.storageId === null) continue;
    const peers = found.get(host.storageId);
    if (peers === undefined) found.set(host.storageId, [host]);
    else peers.push(host);
  }
  return found;
}
