/** Flavors and images as plain records: nothing of MikroORM leaves db/. */
import type { InferEntity } from "@mikro-orm/core";
import type { FlavorRecord, ImageRecord } from "../../actors/records/catalog.ts";
import type { FlavorEntity, ImageEntity } from "../tables/catalog.ts";

export function flavorOf(entity: InferEntity<typeof FlavorEntity>): FlavorRecord {
  const { id, name, vcpus, memoryMib, diskGib, extraSpecs, createdAtMs } = entity;
  return { id, name, vcpus, memoryMib, diskGib, extraSpecs: extraSpecs ?? {}, createdAtMs };
}

export function imageOf(entity: InferEntity<typeof ImageEntity>): ImageRecord {
  const { id, name, commandLine, properties, createdAtMs } = entity;
  const { disk, kernel, ramdisk } = entity;
  return {
    id,
    name,
    disk: disk ?? null,
    kernel: kernel ?? null,
    ramdisk: ramdisk ?? null,
    commandLine,
    properties,
    createdAtMs,
  };
}
