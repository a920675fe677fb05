/**
 * Machines, what hosts were seen doing for an instance, and claims, what an instance takes of a host. Both
 * have the key (instance, owner epoch). A trigger (db/sql/progress.sql) refuses a machine whose generation
 * falls (I1).
 */
import { defineEntity } from "@mikro-orm/core";
import type { MachineRecord } from "../../actors/records/instance.ts";
import type { NumaPlacement } from "../../protocol/numa.ts";
import { count, id, nested, notNegative, text, timeMs } from "./columns.ts";

export const MachineEntity = defineEntity({
  name: "Machine",
  tableName: "machine",
  properties: {
    instanceId: id().primary(),
    ownerEpoch: count().primary(),
    hostId: id(),
    generation: count(),
    intentGeneration: count(),
    resetCount: count(),
    state: text().$type<MachineRecord["state"]>(),
    reason: text().$type<MachineRecord["reason"]>(),
    message: text(),
    address: text().nullable(),
    startedAtMs: timeMs().nullable(),
    atMs: timeMs(),
  },
  checks: [
    {
      name: "machine_count_check",
      expression: notNegative("owner_epoch", "generation", "intent_generation", "reset_count"),
    },
  ],
  indexes: [{ name: "machine_host_idx", properties: ["hostId", "instanceId"] }],
});

export const ClaimEntity = defineEntity({
  name: "Claim",
  tableName: "claim",
  properties: {
    instanceId: id().primary(),
    ownerEpoch: count().primary(),
    hostId: id(),
    vcpus: count(),
    memoryMib: count(),
    diskGib: count(),
    leaseEpoch: count(),
    numa: nested<NumaPlacement>().nullable(),
  },
  checks: [
    { name: "claim_epoch_check", expression: "owner_epoch >= 1" },
    { name: "claim_size_check", expression: notNegative("vcpus", "memory_mib", "disk_gib") },
  ],
  indexes: [{ name: "claim_host_idx", properties: ["hostId", "instanceId"] }],
});
