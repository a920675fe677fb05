/**
 * Storage leases of fake hosts on their shared storage, with the rules of the real ones
 * (shared-storage/leases.ts): a lease is held by the life of an agent and by processes, and other hosts see
 * it only where the storage has locks of its own.
 */

import type { LeaseKey } from "../../../actors/ports/signs-of-life.ts";
import type { StorageLeaseState, StorageLeases } from "../../../actors/ports/storage-leases.ts";
import type { FakeLease, FakeStorage } from "./storage.ts";
import type { FakeWorld } from "./world.ts";

export class FakeStorageLeases implements StorageLeases {
  readonly #world: FakeWorld;
  readonly #storage: FakeStorage;
  #held: FakeLease | undefined;

  constructor(world: FakeWorld, storage: FakeStorage) {
    this.#world = world;
    this.#storage = storage;
  }

  async hold(key: LeaseKey): Promise<"held" | "uncovered" | "taken"> {
    const lease = this.#storage.lease(key, true);
    if (lease !== this.#held) await this.close();
    if (lease === undefined) return "taken";
    lease.holders.add(this);
    lease.agents.add(this);
    this.#held = lease;
    this.#world.lease = lease;
    if (lease.taken) return "taken";
    return this.#world.everyGuestHolds(lease) ? "held" : "uncovered";
  }

  async examine(key: LeaseKey, take: boolean): Promise<StorageLeaseState> {
    const lease = this.#storage.lease(key, false);
    if (lease === undefined) return "absent";
    const holders = take ? lease.holders : lease.agents;
    if (this.#storage.locks && holders.size > 0) return "held";
    lease.taken ||= take;
    return lease.taken ? "taken" : "free";
  }

  async close(): Promise<void> {
    this.#held?.holders.delete(this);
    this.#held?.agents.delete(this);
    if (this.#world.lease === this.#held) this.#world.lease = undefined;
    this.#held = undefined;
  }
}
