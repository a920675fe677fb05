/**
 * Witnesses: hosts that can prove through the shared storage that another host is gone. A host that has once
 * seen another host's storage lease held would also see it now. So it is a witness, and may take that storage
 * lease once nobody holds it. A storage whose locks do not reach beyond one host shows no held storage lease
 * to any other host, and so proves nothing.
 *
 * In memory of one controller; it must never believe a witness of another lease epoch.
 */
import type { Clock } from "../../protocol/wire/transport.ts";
import type { LeaseKey } from "../ports/signs-of-life.ts";
import type { StorageLeaseState } from "../ports/storage-leases.ts";
import type { HostRecord } from "../records/host.ts";
import { sharedStorageLimits } from "./limits.ts";
import { storageOf } from "./storage-of.ts";

/** Asks a witness about another host's storage lease. */
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
  /** Names the lease epoch and the storage; a witness of another key is not believed. */
  readonly key: string;
  readonly by: Set<string>;
  /** Rotates among the hosts that could be asked. */
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

  /**
   * Finds witnesses for hosts that have too few, and has existing witnesses look again now and then.
   * `missed`: ids of hosts that were not heard from lately.
   */
  look(hosts: readonly HostRecord[], missed: ReadonlySet<string>): void {
    const present = new Set(hosts.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!present.has(id)) this.#known.delete(id);
    const nowMs = this.#options.clock.monotonicMs();
    for (const peers of peersByStorage(hosts, missed).values())
      for (const [place, host] of peers.list.entries()) this.#lookAt(host, peers, { place, nowMs });
  }

  /**
   * The witness that took the host's storage lease; undefined: the storage lease is held, or nobody can tell.
   */
  async take(
    host: HostRecord,
    hosts: readonly HostRecord[],
    missed: ReadonlySet<string>,
  ): Promise<HostRecord | undefined> {
    const storageId = storageOf(host.lease);
    const known = this.#known.get(host.id);
    if (storageId === null || known?.key !== keyOf(host)) return undefined;
    const peers = peersByStorage(hosts, missed).get(storageId);
    for (const witness of [...known.by].flatMap((id) => peers?.byId.get(id) ?? [])) {
      const state = await this.#ask(witness, host, true);
      if (state === "taken") return witness;
      if (state === "held") return undefined;
    }
    return undefined;
  }

  #of(host: HostRecord, place: number): Known {
    const known = this.#known.get(host.id);
    if (known?.key === keyOf(host)) return known;
    // Each host begins with a different peer, so that no peer is asked about all of them.
    const fresh = { key: keyOf(host), by: new Set<string>(), turn: place, nextLookAtMs: 0, busy: false };
    this.#known.set(host.id, fresh);
    return fresh;
  }

  #lookAt(host: HostRecord, peers: Peers, { place, nowMs }: { place: number; nowMs: number }): void {
    const known = this.#of(host, place);
    if (
      known.busy ||
      nowMs < known.nextLookAtMs ||
      this.#looking >= sharedStorageLimits.storageLooksAtOnceMax
    )
      return;
    const peer = this.#whom(host, peers, known);
    if (peer !== undefined) void this.#see(host, peer, known);
  }

  /** The host to ask next: a possible new witness, or, when there are enough, one of the witnesses. */
  #whom(host: HostRecord, { list, byId }: Peers, known: Known): HostRecord | undefined {
    const witnesses = [...known.by].filter((id) => byId.has(id));
    known.turn += 1;
    if (witnesses.length >= sharedStorageLimits.storageWitnessesMax || list.length <= witnesses.length + 1)
      return byId.get(witnesses[known.turn % Math.max(1, witnesses.length)] ?? "");
    const isOther = ({ id }: HostRecord) => id !== host.id && !known.by.has(id);
    while (!isOther(list[known.turn % list.length] ?? host)) known.turn += 1;
    return list[known.turn % list.length];
  }

  async #see(host: HostRecord, peer: HostRecord, known: Known): Promise<void> {
    known.busy = true;
    this.#looking += 1;
    const state = await this.#ask(peer, host, false);
    this.#looking -= 1;
    known.busy = false;
    const before = known.by.size;
    if (state === "held") known.by.add(peer.id);
    // The host renews its host lease, yet nobody holds its storage lease: the storage shows no locks, or lost
    // them.
    else if (state !== undefined) known.by.clear();
    const more = known.by.size > before && known.by.size < sharedStorageLimits.storageWitnessesMax;
    // No answer proves nothing about the storage: ask another peer soon.
    const againMs =
      state === undefined ? sharedStorageLimits.storageAskAgainMs : sharedStorageLimits.storageLookAgainMs;
    if (!more) known.nextLookAtMs = this.#options.clock.monotonicMs() + againMs;
  }

  /** Undefined: the peer did not answer, or does not know. */
  async #ask(peer: HostRecord, { id: hostId, lease }: HostRecord, take: boolean) {
    try {
      return await this.#options.examine(peer.id, { hostId, leaseEpoch: lease?.leaseEpoch ?? 0 }, take);
    } catch {
      // The agent is too old or ending, or the storage does not answer: another peer is asked.
      return undefined;
    }
  }
}

const keyOf = ({ lease }: HostRecord): string => `${lease?.leaseEpoch} ${storageOf(lease)}`;

interface Peers {
  readonly list: HostRecord[];
  readonly byId: Map<string, HostRecord>;
}

/** By storage: the hosts that hold a storage lease there, and so can see those of other hosts. */
function peersByStorage(hosts: readonly HostRecord[], missed: ReadonlySet<string>) {
  const found = new Map<string, Peers>();
  for (const host of hosts) {
    const storageId = storageOf(host.lease);
    if (storageId === null || missed.has(host.id)) continue;
    const peers = found.get(storageId) ?? { list: [], byId: new Map<string, HostRecord>() };
    found.set(storageId, peers);
    peers.list.push(host);
    peers.byId.set(host.id, host);
  }
  return found;
}
