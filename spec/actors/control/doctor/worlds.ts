/**
 * A small healthy cluster as plain values: host h1 with the running instance i1 and the stopped instance i2.
 */
import type { Audit, DoctorInput } from "../../../../actors/control/doctor/input.ts";
import type { InstanceRow } from "../../../../actors/ports/instance-reads.ts";
import type { ImageRecord } from "../../../../actors/records/catalog.ts";
import type { InstanceRecord, LoadedInstance, OperationRecord } from "../../../../actors/records/instance.ts";
import type { Observation } from "../../../../protocol/machine.ts";
import type { MachineState } from "../../../../protocol/states.ts";
import { host } from "../scheduler/worlds.ts";

const nowMs = 10_000_000;

export const imageSha256 = "a".repeat(64);
export const image: ImageRecord = {
  ...{ id: "g1", name: "tiny", disk: null, kernel: { sha256: imageSha256, sizeBytes: 5 }, ramdisk: null },
  ...{ commandLine: "", properties: { architecture: "x86_64", memoryMibMin: 0, diskGibMin: 0 } },
  ...{ project: "admin", visibility: "public", state: "active", protected: false, checksums: null },
  ...{ sizeBytes: null, holder: null, refusal: null },
  createdAtMs: 1,
  version: 1,
};

export const instance = (id: string, changes: Partial<InstanceRecord> = {}): InstanceRecord => ({
  id,
  project: "demo",
  name: `name-${id}`,
  version: 3,
  generation: 2,
  desired: "running",
  stop: { mode: "graceful", timeoutMs: 1_000 },
  resetCount: 0,
  resetMode: "soft",
  startCount: 0,
  built: true,
  state: "running",
  settled: true,
  flavor: { id: "f1", name: "small", vcpus: 1, memoryMib: 512, diskGib: 1, extraSpecs: {} },
  image: {
    id: "g1",
    name: "tiny",
    disk: null,
    kernel: null,
    ramdisk: null,
    commandLine: "",
    properties: { architecture: "x86_64", memoryMibMin: 0, diskGibMin: 0 },
  },
  metadata: {},
  description: null,
  lock: null,
  guest: null,
  shape: null,
  interfaces: null,
  volumes: null,
  macAddress: "52:54:00:00:00:01",
  serverGroupId: null,
  availabilityZone: null,
  hints: null,
  recovery: { policy: "restart", priority: 0 },
  storageId: null,
  movable: false,
  hostId: "h1",
  ownerEpoch: 1,
  attempt: 1,
  excludedHosts: [],
  operationId: null,
  failure: null,
  createdAtMs: 1,
  updatedAtMs: 2,
  deletedAtMs: null,
  ...changes,
});

export const observation = (instanceId: string, state: MachineState, generation = 7): Observation => ({
  instanceId,
  ownerEpoch: 1,
  generation,
  intentGeneration: 2,
  resetCount: 0,
  state,
  reason: "requested",
  message: "",
  address: null,
  startedAtMs: null,
  atMs: 5,
});

export const operation = (id: string, changes: Partial<OperationRecord> = {}): OperationRecord => ({
  id,
  project: "demo",
  noun: "instance",
  entityId: "i1",
  toHost: null,
  kind: "start",
  state: "running",
  percent: 10,
  step: "accepted",
  steps: [],
  requestId: "r1",
  startedAtMs: 1,
  deadlineAtMs: nowMs + 1_000,
  endedAtMs: null,
  error: null,
  ...changes,
});

export const loaded = (record: InstanceRecord): LoadedInstance => ({
  instance: record,
  machines: [],
  claims: [],
  operation: undefined,
});

const row = (record: InstanceRecord, state: MachineState): InstanceRow => ({
  instance: record,
  machine: { ...observation(record.id, state), hostId: "h1" },
});

export function healthy(): { readonly input: DoctorInput; readonly audit: Audit } {
  const audit: Audit = {
    hostId: "h1",
    machines: [observation("i1", "running"), observation("i2", "stopped")],
    processes: [{ instanceId: "i1", pid: 11, status: "running" }],
    directories: [
      { instanceId: "i1", files: ["disk", "log"] },
      { instanceId: "i2", files: ["disk", "log"] },
    ],
    strays: [],
  };
  const quota = { instances: 2, vcpus: 2, memoryMib: 1_024 };
  const claims = { vcpus: 2, memoryMib: 1_024, diskGib: 2, instances: 2, pinnedCpus: 0, numaClaimed: [] };
  const input: DoctorInput = {
    nowMs,
    instances: [
      row(instance("i1"), "running"),
      row(instance("i2", { desired: "stopped", state: "stopped" }), "stopped"),
    ],
    unsettled: [],
    operations: [],
    hosts: [
      host("h1", { name: "one", vcpusClaimed: 2, memoryMibClaimed: 1_024, diskGibClaimed: 2, instances: 2 }),
    ],
    claimTotals: [{ hostId: "h1", volumeGib: 0, ...claims }],
    quotaTotals: [{ project: "demo", used: quota, counted: quota }],
    answers: [{ hostId: "h1", audit }],
    movingHosts: new Set(),
    images: [image],
    imageFiles: { files: [{ sha256: imageSha256, sizeBytes: 5, keptAtMs: 1, aside: false }], holds: [] },
  };
  return { input, audit };
}

/**
 * The healthy cluster while i1 is worked on: the store, the actors and the processes may disagree about i1.
 */
export function busy(state: MachineState): DoctorInput {
  const { input, audit } = healthy();
  const record = instance("i1", { settled: false, operationId: "o1" });
  const claim = {
    instanceId: "i1",
    ownerEpoch: 1,
    hostId: "h1",
    vcpus: 1,
    memoryMib: 512,
    diskGib: 1,
    leaseEpoch: 0,
    numa: null,
  };
  return {
    ...input,
    instances: [row(record, "running"), ...input.instances.slice(1)],
    unsettled: [{ ...loaded(record), claims: [claim], operation: operation("o1") }],
    operations: [operation("o1")],
    answers: [
      {
        hostId: "h1",
        audit: {
          ...audit,
          machines: [observation("i1", state, 9), observation("i2", "stopped")],
          processes: [],
        },
      },
    ],
  };
}
