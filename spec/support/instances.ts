/** Instances for specs of decisions: values, made by the same `create` that production uses. */

import type { AdmissionCommand } from "../../actors/control/instance/admission.ts";
import type { InstanceEvent } from "../../actors/control/instance/messages.ts";
import { type Birth, create } from "../../actors/control/instances/create.ts";
import type { FlavorRecord, ImageRecord } from "../../actors/records/catalog.ts";
import type { LoadedInstance } from "../../actors/records/instance.ts";
import type { Observation } from "../../protocol/machine.ts";

const sha256 = "0".repeat(64);

export const tinyFlavor: FlavorRecord = {
  id: "flavor-1",
  name: "tiny",
  vcpus: 1,
  memoryMib: 128,
  diskGib: 0,
  ...{ ephemeralGib: 0, swapMib: 0 },
  extraSpecs: {},
  createdAtMs: 1,
  version: 1,
};

export const tinyImage: ImageRecord = {
  id: "image-1",
  name: "tiny",
  disk: null,
  kernel: { sha256, sizeBytes: 1 },
  ramdisk: null,
  commandLine: "",
  properties: { architecture: "x86_64", memoryMibMin: 0, diskGibMin: 0 },
  ...{ project: "admin", visibility: "public", state: "active", protected: false, checksums: null },
  ...{ sizeBytes: null, holder: null, refusal: null },
  createdAtMs: 1,
  version: 1,
};

/** An instance as its create leaves it: placed on host `a`, building. */
export function newborn(
  nowMs = 1_000,
  place: Partial<Pick<Birth, "leaseEpoch" | "storageId" | "shapes">> = {},
): LoadedInstance {
  const [loaded] = create({
    name: "web",
    metadata: {},
    description: null,
    guest: { hostname: null, keyName: null, configDrive: false, userDataBytes: 0, data: undefined },
    many: false,
    flavor: tinyFlavor,
    image: tinyImage,
    where: { availabilityZone: null, serverGroupId: null, hints: null },
    request: { project: "demo", requestId: "create", contentHash: "h" },
    recovery: { policy: "restart", priority: 0 },
    wired: [],
    furnished: [],
    births: [
      {
        instanceId: "i",
        operationId: "op-0",
        hostId: "a",
        hostName: "host-a",
        leaseEpoch: 0,
        storageId: null,
        numa: null,
        ...place,
      },
    ],
    nowMs,
  }).instances;
  if (loaded === undefined) throw new Error("no instance");
  return loaded;
}

export function command(
  name: AdmissionCommand,
  change: { id?: string; nowMs?: number; alive?: boolean } = {},
) {
  const id = change.id ?? `r-${name}`;
  return {
    kind: "command",
    command: name,
    stopTimeoutMs: 60_000,
    request: { project: "demo", requestId: id, contentHash: id },
    operationId: `op-${id}`,
    nowMs: change.nowMs ?? 2_000,
    host: { name: "host-a", alive: change.alive ?? true },
  } as const satisfies InstanceEvent;
}

/** The owner's report when it has acted on the newest intent; `change`: fields that differ. */
export function observed(
  loaded: LoadedInstance,
  change: Partial<Observation> & { hostId?: string; leaseEpoch?: number } = {},
) {
  const { hostId, leaseEpoch = 0, ...rest } = change;
  const { instance, machines } = loaded;
  const ownerEpoch = rest.ownerEpoch ?? instance.ownerEpoch;
  const known = machines.find((machine) => machine.ownerEpoch === ownerEpoch);
  const state = instance.desired === "deleted" ? "gone" : instance.desired;
  return {
    kind: "observed",
    hostId: hostId ?? loaded.claims.find((claim) => claim.ownerEpoch === ownerEpoch)?.hostId ?? "a",
    nowMs: 3_000,
    leaseEpoch,
    observation: {
      instanceId: instance.id,
      ownerEpoch,
      generation: (known?.generation ?? 0) + 1,
      intentGeneration: instance.generation,
      resetCount: instance.resetCount,
      state,
      reason: "requested",
      message: "",
      address: null,
      startedAtMs: null,
      atMs: 3_000,
      ...rest,
    },
  } as const satisfies InstanceEvent;
}
