/** Rows of hosts for decisions about them: sound ones, in which a test sets by hand what it is about. */
import type { HostRecord, LoadedHost } from "../../actors/records/host.ts";
import type { InstanceRecord, OperationRecord } from "../../actors/records/instance.ts";
import * as rows from "./store-rows.ts";

export function hostRow(changes: Partial<HostRecord> = {}): HostRecord {
  const { hostId: id, ...said } = rows.inventory("a", { name: "host-a" });
  return {
    ...{ id, number: 1, ...said, version: 7, enabled: true, disabledReason: null, draining: null },
    ...{ vcpusClaimed: 0, memoryMibClaimed: 0, diskGibClaimed: 0, instances: 0, ...rows.nothingBound },
    ...{ failedBuilds: 0, failedBuildsOf: null, generation: 1, ioOps: 0, aggregates: [] },
    ...{ registeredAtMs: 1, lastSeenAtMs: 1, drivers: null, storage: null },
    lease: { leaseEpoch: 3, renewals: 40, storage: null, fencedBy: null },
    ...changes,
  };
}

export const loadedHost = (
  changes: Partial<HostRecord> = {},
  operations: readonly OperationRecord[] = [],
): LoadedHost => ({ host: hostRow(changes), operations });

/** An instance that runs on the host, and can run on every other one. */
export const guest = (id: string, changes: Partial<InstanceRecord> = {}): InstanceRecord =>
  rows.instance(id, {
    ...{ name: id, hostId: "a", ownerEpoch: 1, built: true, state: "running", settled: true },
    ...{ storageId: "s", image: { ...rows.instance("").image } },
    ...changes,
  });
