/**
 * What a host may say of its machines and of itself that a controller must not take: entries of a report that
 * are left out while the others are taken, and inventories that are refused.
 */
import { fieldLimits } from "../../protocol/limits/fields.ts";
import { reportLimits } from "../../protocol/limits/report.ts";
import type { HostInventory, Observation } from "../../protocol/machine.ts";

type Hostile = readonly { readonly name: string; readonly body: unknown; readonly field: string }[];

const long = (length: number) => "x".repeat(length);
const { observedCountMax, observedAtMsMax, observedTextLengthMax, observedAddressLengthMax } = reportLimits;

/** A sound observation, spoilt in one field at a time. */
export const hostileObservations = (sound: Observation): Hostile => [
  ...["ownerEpoch", "generation", "intentGeneration", "resetCount"].flatMap((field) =>
    [-1, 1.5, observedCountMax + 1, 2 ** 60, "1", null].map((value) => ({
      ...{ name: `${field} ${value}`, body: { ...sound, [field]: value }, field },
    })),
  ),
  ...["atMs", "startedAtMs"].flatMap((field) =>
    [-1, observedAtMsMax + 1, "now"].map((value) => ({
      ...{ name: `${field} ${value}`, body: { ...sound, [field]: value }, field },
    })),
  ),
  ...(
    [
      ["instanceId", ""],
      ["instanceId", long(65)],
      ["instanceId", "a.b"],
      ["state", "levitating"],
      ["message", long(observedTextLengthMax + 1)],
      ["message", 7],
      ["address", long(observedAddressLengthMax + 1)],
    ] as const
  ).map(([field, value]) => ({
    ...{ name: `${field} ${String(value).slice(0, 20)}`, body: { ...sound, [field]: value }, field },
  })),
  { name: "no state", body: { ...sound, state: undefined }, field: "state" },
  ...[null, 7, "text", [sound]].map((body) => ({
    name: `no map but ${JSON.stringify(body)}`,
    body,
    field: "",
  })),
];

/** A sound inventory, spoilt in one field at a time. */
export const hostileInventories = (sound: HostInventory): Hostile =>
  (
    [
      ["name", ""],
      ["name", long(65)],
      ["name", "node\u001b[2J"],
      ["name", "node one"],
      ["name", "a\u202eb"],
      ["bootId", long(65)],
      ["bootId", "boot\n1"],
      ["hypervisor", long(65)],
      ["accelerator", "kvm\u0007"],
      ["acceleratorReason", "because\nof it"],
      ["acceleratorReason", long(observedTextLengthMax + 1)],
      ["hypervisorVersion", "10\u202e.1"],
      ["hypervisorVersion", "10\ud801"],
      ["vcpus", fieldLimits.hostVcpusMax + 1],
      ["vcpus", Number.MAX_SAFE_INTEGER],
      ["memoryMib", fieldLimits.hostMemoryMibMax + 1],
      ["diskGib", fieldLimits.hostDiskGibMax + 1],
      ["diskGib", -1],
      ["labels", { rack: "a\u202eb" }],
      ["labels", { rack: "r1\u001b[2J" }],
      ["features", ["avx\u001b2"]],
      ["features", ["two words"]],
      ["machineTypes", [long(65)]],
      ["numa", [{ vcpus: 2 ** 50, memoryMib: 1, hugePages: [] }]],
      ["numa", [{ vcpus: 1, memoryMib: 2 ** 50, hugePages: [] }]],
      ["numa", [{ vcpus: 1, memoryMib: 1, hugePages: [{ sizeKib: 2 ** 50, total: 1 }] }]],
      ["numa", [{ vcpus: 1, memoryMib: 1, hugePages: [{ sizeKib: 1, total: 2 ** 50 }] }]],
    ] as const
  ).map(([field, value]) => ({
    ...{ name: `${field} ${JSON.stringify(value).slice(0, 30)}`, body: { ...sound, [field]: value }, field },
  }));
