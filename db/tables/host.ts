/**
 * Hosts, their capacity and the sums of the claims on them. The CHECK is the last word on I3: whatever a
 * scheduler or an actor believed, a commit that would overfill a host does not happen.
 *
 * When a host was heard from last is a table of its own: it changes all the time, must not wait for commits,
 * and may be lost without harm.
 */
import { defineEntity } from "@mikro-orm/core";
import type { Draining, FailedBuildsOf, HostRecord } from "../../actors/records/host.ts";
import type { FenceProof } from "../../protocol/fence.ts";
import { count, flag, id, nested, notNegative, text, timeMs } from "./columns.ts";

export const HostEntity = defineEntity({
  name: "Host",
  tableName: "host",
  properties: {
    id: id().primary(),
    /** From the sequence host_number, when the host registers (db/sql/commit-hosts.sql). */
    number: count(),
    name: text(),
    bootId: text(),
    architecture: text().$type<HostRecord["architecture"]>(),
    hypervisor: text(),
    accelerator: text(),
    acceleratorReason: text(),
    hypervisorVersion: text(),
    vcpus: count(),
    memoryMib: count(),
    diskGib: count(),
    vcpusClaimed: count(),
    memoryMibClaimed: count(),
    diskGibClaimed: count(),
    instances: count(),
    /** Without any ratio, by what the host says of its NUMA nodes. */
    realCpus: count(),
    pinnedCpus: count(),
    labels: nested<HostRecord["labels"]>(),
    features: nested<HostRecord["features"]>(),
    machineTypes: nested<HostRecord["machineTypes"]>(),
    numa: nested<HostRecord["numa"]>(),
    drivers: nested<HostRecord["drivers"] & object>().nullable(),
    storageId: text().nullable(),
    failedBuilds: count(),
    failedBuildsOf: nested<FailedBuildsOf>().nullable(),
    /** Raised by every change of the inventory. */
    generation: count(),
    enabled: flag(),
    disabledReason: text().nullable(),
    draining: nested<Draining>().nullable(),
    /** Of the three above: raised by each commit of the host's actor (db/rules/host/host.sql). */
    version: count().default(0),
    registeredAtMs: timeMs(),
  },
  checks: [
    {
      name: "host_claimed_check",
      expression: notNegative("vcpus_claimed", "memory_mib_claimed", "disk_gib_claimed", "instances"),
    },
    { name: "host_count_check", expression: notNegative("failed_builds", "generation") },
    {
      name: "host_pinned_check",
      expression:
        "pinned_cpus >= 0 and pinned_cpus <= real_cpus and " +
        "(vcpus_claimed - pinned_cpus) * real_cpus <= (real_cpus - pinned_cpus) * vcpus",
    },
    {
      name: "host_capacity_check",
      expression:
        "vcpus_claimed <= vcpus and memory_mib_claimed <= memory_mib and disk_gib_claimed <= disk_gib",
    },
  ],
  uniques: [{ name: "host_number_unique", properties: ["number"] }],
  indexes: [
    { name: "host_name_idx", properties: ["name", "id"] },
    { name: "host_draining_idx", properties: ["id"], where: "draining is not null" },
    {
      name: "host_storage_idx",
      properties: ["storageId", "diskGib"],
      where: "storage_id is not null",
    },
  ],
});

/** Storages that hosts share, as triggers on hosts and instances count them (db/rules/storage). */
export const StorageEntity = defineEntity({
  name: "Storage",
  tableName: "storage",
  properties: { id: id().primary(), diskGib: count(), diskGibClaimed: count() },
  checks: [{ name: "storage_claimed_check", expression: "disk_gib_claimed >= 0" }],
});

/** What a host's NUMA nodes have, and what of it is claimed; `resource` as in db/rules/numa/numa.sql. */
export const HostNumaNodeEntity = defineEntity({
  name: "HostNumaNode",
  tableName: "host_numa_node",
  properties: {
    hostId: id().primary(),
    node: count().primary(),
    resource: text().primary(),
    total: count(),
    claimed: count(),
  },
  checks: [{ name: "host_numa_node_claimed_check", expression: "claimed >= 0 and claimed <= total" }],
  indexes: [{ name: "host_numa_node_claimed_idx", properties: ["hostId"], where: "claimed > 0" }],
});

/** Renewals change it all the time, beside the commits; only a commit grants and fences. */
export const HostLeaseEntity = defineEntity({
  name: "HostLease",
  tableName: "host_lease",
  properties: {
    hostId: id().primary(),
    leaseEpoch: count(),
    renewals: count(),
    /** On which the renewal of that count said that the lease is held too, as so many before it in a row. */
    storageId: text().nullable(),
    storageAt: count().default(0),
    storageRenewals: count().default(0),
    fencedBy: nested<FenceProof>().nullable(),
  },
  checks: [{ name: "host_lease_count_check", expression: "least(lease_epoch, renewals) >= 1" }],
});

export const HostSeenEntity = defineEntity({
  name: "HostSeen",
  tableName: "host_seen",
  properties: { hostId: id().primary(), lastSeenAtMs: timeMs() },
});
