/**
 * Instances: the intent of their users. One writer, the instance actor, guarded by `version` (I1).
 *
 * A trigger (db/sql/progress.sql) refuses an update that does not raise `version` by one, or that lowers
 * `generation` or `owner_epoch`. Live rows and tombstones have separate partial indexes, so that a day's
 * tombstones never slow down a page.
 */
import { defineEntity } from "@mikro-orm/core";
import type { GuestDataRecord, InstanceRecord } from "../../actors/records/instance.ts";
import { count, flag, id, nested, notNegative, text, timeMs } from "./columns.ts";

/** A generated column, null in a tombstone. The text is the one that PostgreSQL prints for the expression. */
const heldWhileLive = (value: string) =>
  id()
    .generated(
      `(CASE WHEN (deleted_at_ms IS NULL) THEN ${value.includes(" ") ? `(${value})` : value} ELSE NULL END) stored`,
    )
    .nullable();

export const InstanceEntity = defineEntity({
  name: "Instance",
  tableName: "instance",
  properties: {
    id: id().primary(),
    project: id(),
    name: text(),
    version: count(),
    generation: count(),
    desired: text().$type<InstanceRecord["desired"]>(),
    stop: nested<InstanceRecord["stop"]>(),
    resetCount: count(),
    resetMode: text().$type<InstanceRecord["resetMode"]>(),
    startCount: count(),
    built: flag(),
    state: text().$type<InstanceRecord["state"]>(),
    settled: flag(),
    flavor: nested<InstanceRecord["flavor"]>(),
    image: nested<InstanceRecord["image"]>(),
    metadata: nested<InstanceRecord["metadata"]>(),
    macAddress: text(),
    recovery: nested<InstanceRecord["recovery"]>(),
    storageId: id().nullable(),
    movable: flag(),
    hostId: id().nullable(),
    ownerEpoch: count(),
    attempt: count(),
    excludedHosts: nested<InstanceRecord["excludedHosts"]>(),
    serverGroupId: id().nullable(),
    availabilityZone: text().nullable(),
    hints: nested<InstanceRecord["hints"]>().nullable(),
    operationId: id().nullable(),
    failure: nested<InstanceRecord["failure"]>().nullable(),
    createdAtMs: timeMs(),
    updatedAtMs: timeMs(),
    deletedAtMs: timeMs().nullable(),
    description: text().nullable(),
    lock: nested<InstanceRecord["lock"]>().nullable(),
    guest: nested<InstanceRecord["guest"]>().nullable(),
    /** Large and perhaps secret: read by loads alone. Not in the record. */
    guestData: nested<GuestDataRecord>().nullable(),
    shape: nested<InstanceRecord["shape"]>().nullable(),
    interfaces: nested<InstanceRecord["interfaces"]>().nullable(),
    volumes: nested<InstanceRecord["volumes"]>().nullable(),
    /** What it holds until it is deleted: a reference stands on each. Not in the record. */
    liveImageId: heldWhileLive("image ->> 'id'"),
    liveServerGroupId: heldWhileLive("server_group_id"),
  },
  checks: [
    { name: "instance_version_check", expression: "version >= 1" },
    {
      name: "instance_count_check",
      expression: notNegative("generation", "reset_count", "start_count", "owner_epoch", "attempt"),
    },
    {
      name: "instance_deleted_check",
      expression: "(state = 'deleted') = (deleted_at_ms is not null)",
    },
    { name: "instance_owner_check", expression: "host_id is null or owner_epoch >= 1" },
  ],
  indexes: [
    { name: "instance_live_idx", properties: ["project", "id"], where: "deleted_at_ms is null" },
    { name: "instance_tombstone_idx", properties: ["project", "id"], where: "deleted_at_ms is not null" },
    { name: "instance_name_idx", properties: ["project", "name", "id"], where: "deleted_at_ms is null" },
    { name: "instance_state_idx", properties: ["project", "state", "id"], where: "deleted_at_ms is null" },
    { name: "instance_host_idx", properties: ["hostId", "id"], where: "host_id is not null" },
    { name: "instance_movable_idx", properties: ["hostId", "id"], where: "movable" },
    {
      name: "instance_unsettled_idx",
      properties: ["id"],
      where: "not settled or operation_id is not null",
    },
    {
      name: "instance_group_idx",
      properties: ["liveServerGroupId", "id"],
      where: "live_server_group_id is not null",
    },
    {
      name: "instance_group_host_idx",
      properties: ["liveServerGroupId", "hostId", "id"],
      where: "live_server_group_id is not null",
    },
    { name: "instance_deleted_idx", properties: ["deletedAtMs"], where: "deleted_at_ms is not null" },
    { name: "instance_image_idx", properties: ["liveImageId"], where: "live_image_id is not null" },
  ],
});
