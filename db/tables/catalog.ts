/** Flavors and images: made and removed by operators, never changed. */
import { defineEntity } from "@mikro-orm/core";
import type { FlavorRecord, ImageRecord } from "../../actors/records/catalog.ts";
import { count, id, nested, notNegative, text, timeMs } from "./columns.ts";

export const FlavorEntity = defineEntity({
  name: "Flavor",
  tableName: "flavor",
  properties: {
    id: id().primary(),
    name: text(),
    vcpus: count(),
    memoryMib: count(),
    diskGib: count(),
    extraSpecs: nested<FlavorRecord["extraSpecs"]>(),
    createdAtMs: timeMs(),
  },
  checks: [{ name: "flavor_size_check", expression: notNegative("vcpus", "memory_mib", "disk_gib") }],
  uniques: [{ name: "flavor_name_unique", properties: ["name"] }],
});

export const ImageEntity = defineEntity({
  name: "Image",
  tableName: "image",
  properties: {
    id: id().primary(),
    name: text(),
    disk: nested<ImageRecord["disk"]>().nullable(),
    kernel: nested<ImageRecord["kernel"]>().nullable(),
    ramdisk: nested<ImageRecord["ramdisk"]>().nullable(),
    commandLine: text(),
    properties: nested<ImageRecord["properties"]>(),
    createdAtMs: timeMs(),
  },
  uniques: [{ name: "image_name_unique", properties: ["name"] }],
});
