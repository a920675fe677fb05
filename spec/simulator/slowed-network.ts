/** A host's network with time, refusals and hangs put in between; and one that is watched. */
import type { Network } from "../../actors/ports/network.ts";
import type { StorageLeases } from "../../actors/ports/storage-leases.ts";

/** Does the work when the world lets it. */
export type SlowVerb = <T>(what: string, work: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

export const withApply = (network: Network, apply: Network["apply"]): Network => ({
  ...{ kind: network.kind, facts: () => network.facts(), list: () => network.list(), apply },
  ensurePort: (port, signal) => network.ensurePort(port, signal),
  plugged: (id, signal) => network.plugged(id, signal),
  releasePort: (id, ownerEpoch, signal) => network.releasePort(id, ownerEpoch, signal),
  releaseOthers: (kept, signal) => network.releaseOthers(kept, signal),
  release: (holding, signal) => network.release(holding, signal),
  picture: async () => network.picture?.(),
  unpublished: () => network.unpublished?.() ?? [],
  traffic: async (signal) => (await network.traffic?.(signal)) ?? [],
  detach: (guests) => network.detach(guests),
});

export const slowedNetwork = (network: Network, verb: SlowVerb): Network => ({
  ...{ kind: network.kind, facts: () => network.facts(), list: () => network.list() },
  ensurePort: (port, signal) => verb("ensurePort", () => network.ensurePort(port, signal), signal),
  plugged: (id, signal) => network.plugged(id, signal),
  releasePort: (id, ownerEpoch, signal) =>
    verb("releasePort", () => network.releasePort(id, ownerEpoch, signal), signal),
  releaseOthers: (kept, signal) => verb("releasePort", () => network.releaseOthers(kept, signal), signal),
  release: (holding, signal) => verb("releasePort", () => network.release(holding, signal), signal),
  apply: (networking, signal) => verb("applyNetworking", () => network.apply(networking, signal), signal),
  picture: async () => network.picture?.(),
  unpublished: () => network.unpublished?.() ?? [],
  traffic: async (signal) => (await network.traffic?.(signal)) ?? [],
  detach: (guests) => network.detach(guests),
});

export function slowedLeases(leases: StorageLeases, verb: SlowVerb): StorageLeases {
  return {
    hold: (key) => verb("holdStorageLease", () => leases.hold(key)),
    examine: (key, take) => verb("examineStorageLease", () => leases.examine(key, take)),
    close: () => leases.close(),
  };
}
