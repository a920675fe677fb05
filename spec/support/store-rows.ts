/**
 * Rows and commits for stores under test: sound ones, in which a test sets by hand only the fields it is
 * about.
 */

import type { ImageRecord } from "../../actors/records/catalog.ts";
import type { Commit, NewEvent, RequestRecord } from "../../actors/records/commit.ts";
import type {
  ClaimRecord,
  InstanceRecord,
  InterfaceRecord,
  MachineRecord,
  OperationRecord,
} from "../../actors/records/instance.ts";
import type { Flavor } from "../../protocol/flavor.ts";
import type { HostInventory } from "../../protocol/machine.ts";
import { rowsOf } from "./store-resources.ts";

let tests = 0;
/** Names that no other test uses: all of them may run on one database. */
export function names() {
  tests += 1;
  const prefix = `t${tests}`;
  return {
    id: (number: number) => `${prefix}-i${number}`,
    host: `${prefix}-host`,
    project: `${prefix}-project`,
  };
}

export const wallMs = Date.UTC(2030, 0, 1);

export const image: Omit<ImageRecord, "version"> = {
  id: "image-1",
  name: "tiny",
  disk: { sha256: "a".repeat(64), sizeBytes: 1_000, format: "qcow2", virtualSizeBytes: 2 ** 30 },
  kernel: null,
  ramdisk: null,
  commandLine: "",
  properties: { architecture: "x86_64", memoryMibMin: 64, diskGibMin: 0 },
  project: "admin",
  visibility: "public",
  state: "active",
  protected: false,
  checksums: null,
  ...{ sizeBytes: 1_000, holder: null, refusal: null },
  createdAtMs: wallMs,
};

export const flavor = {
  id: "flavor-1",
  name: "small",
  vcpus: 1,
  memoryMib: 64,
  diskGib: 1,
  ...{ ephemeralGib: 0, swapMib: 0 },
  extraSpecs: {} as Record<string, string>,
  createdAtMs: wallMs,
} satisfies Flavor;

/** The commit that makes the flavor and the image of every instance below. */
export const catalog: Commit = rowsOf({ images: [image], flavors: [flavor] });

export function instance(id: string, changes: Partial<InstanceRecord> = {}): InstanceRecord {
  const { createdAtMs: _, ...flavorOfInstance } = flavor;
  const { id: imageId, name, disk, kernel, ramdisk, commandLine, properties } = image;
  const imageOfInstance = { id: imageId, name, disk, kernel, ramdisk, commandLine, properties };
  return {
    id,
    project: "demo",
    name: `name-of-${id}`,
    version: 1,
    generation: 1,
    desired: "running",
    stop: { mode: "graceful", timeoutMs: 60_000 },
    resetCount: 0,
    resetMode: "soft",
    startCount: 1,
    built: false,
    state: "building",
    settled: false,
    flavor: flavorOfInstance,
    image: imageOfInstance,
    metadata: {},
    description: null,
    lock: null,
    shape: null,
    interfaces: null,
    volumes: null,
    macAddress: "52:54:00:00:00:01",
    guest: null,
    recovery: { policy: "restart", priority: 0 },
    storageId: null,
    movable: true,
    hostId: null,
    ownerEpoch: 0,
    attempt: 1,
    excludedHosts: [],
    serverGroupId: null,
    availabilityZone: null,
    hints: null,
    operationId: null,
    failure: null,
    createdAtMs: wallMs,
    updatedAtMs: wallMs,
    deletedAtMs: null,
    ...changes,
  };
}

/** An interface in this port, as an instance has it. */
export const plugged = (portId: string): InterfaceRecord => ({
  ...{ portId, networkId: "n", mac: "52:54:00:00:00:01", mtuBytes: 1_450 },
  ...{ addresses: [{ subnetId: "s", address: "10.0.0.2" }], deleteWithInstance: true },
});

/** The row after one more commit. */
export function next(row: InstanceRecord, changes: Partial<InstanceRecord> = {}): InstanceRecord {
  return { ...row, version: row.version + 1, updatedAtMs: row.updatedAtMs + 1, ...changes };
}

export function deleted(row: InstanceRecord, deletedAtMs: number): InstanceRecord {
  return next(row, {
    desired: "deleted",
    state: "deleted",
    settled: true,
    hostId: null,
    operationId: null,
    deletedAtMs,
  });
}

export function machine(instanceId: string, changes: Partial<MachineRecord> = {}): MachineRecord {
  return {
    instanceId,
    ownerEpoch: 1,
    hostId: "h1",
    generation: 1,
    intentGeneration: 1,
    resetCount: 0,
    state: "running",
    reason: "requested",
    message: "",
    address: null,
    startedAtMs: null,
    atMs: wallMs,
    ...changes,
  };
}

export function claim(instanceId: string, hostId = "h1", changes: Partial<ClaimRecord> = {}): ClaimRecord {
  const size = { vcpus: 1, memoryMib: 64, diskGib: 1 };
  return { instanceId, ownerEpoch: 1, hostId, ...size, leaseEpoch: 0, numa: null, ...changes };
}

export function operation(
  id: string,
  instanceId: string,
  changes: Partial<OperationRecord> = {},
): OperationRecord {
  return {
    id,
    project: "demo",
    noun: "instance",
    entityId: instanceId,
    toHost: null,
    kind: "create",
    state: "running",
    percent: 0,
    step: "accepted",
    steps: [{ step: "accepted", atMs: wallMs }],
    requestId: `request-of-${id}`,
    startedAtMs: wallMs,
    deadlineAtMs: wallMs + 1_000,
    endedAtMs: null,
    error: null,
    ...changes,
  };
}

/** As it was before the store gave it a number. */
export function unnumbered<R extends { readonly number?: number }>({ number: _, ...rest }: R) {
  return rest;
}

/** An operation of a host. */
export const hostOperation = (id: string, hostId: string, changes: Partial<OperationRecord> = {}) =>
  operation(id, hostId, { project: "admin", noun: "host", kind: "drain", ...changes });

export function event(id: string, name = "stateChanged", changes: Partial<NewEvent> = {}): NewEvent {
  return {
    atMs: wallMs,
    project: "demo",
    noun: "instance",
    id,
    event: name,
    body: { about: id },
    ...changes,
  };
}

export function request(requestId: string, changes: Partial<RequestRecord> = {}): RequestRecord {
  return {
    project: "demo",
    requestId,
    contentHash: "hash",
    answer: { of: requestId },
    atMs: wallMs,
    ...changes,
  };
}

/** A host's reported fields when it has nothing to report. */
export const nothingSaid = { labels: {}, features: [], machineTypes: [], numa: [], storageId: null };

export function inventory(hostId: string, changes: Partial<HostInventory> = {}): HostInventory {
  return {
    hostId,
    name: `name-of-${hostId}`,
    bootId: "boot-1",
    architecture: "x86_64",
    hypervisor: "fake",
    accelerator: "none",
    acceleratorReason: "It is a test.",
    hypervisorVersion: "1",
    vcpus: 1_000,
    memoryMib: 1_000_000,
    diskGib: 1_000_000,
    ...nothingSaid,
    ...changes,
  };
}

/** A host's NUMA fields when no guest has pinned CPUs or NUMA nodes. */
export const nothingBound = { pinnedCpus: 0, numaClaimed: [] };

/** What a create of one instance commits: request, instance, claim, operation and two events. */
export function createTurn(id: string, hostId = "h1"): Commit {
  const row = instance(id, { hostId, ownerEpoch: 1, operationId: `op-${id}` });
  return {
    request: request(`request-${id}`, { answer: { instance: row } }),
    instances: [{ expectedVersion: 0, row }],
    claims: [claim(id, hostId)],
    operations: [operation(`op-${id}`, id)],
    events: [event(id, "accepted"), event(id, "placed")],
  };
}

/** The refusal of a commit that needs a missing row. */
export const missing = (noun: string, id: string) => ({ kind: "missing", noun, id });

/** The commit that writes the next version of a row, and nothing else. */
export function changeTurn(row: InstanceRecord, rest: Omit<Commit, "instances"> = {}): Commit {
  return { instances: [{ expectedVersion: row.version - 1, row }], ...rest };
}
