/** The filters there are. A new one is in a file of this folder and in this list. */
import { aggregateExtraSpecs, aggregateFlavors, aggregateImages, aggregateProjects } from "./aggregates.ts";
import { alive } from "./alive.ts";
import { architecture } from "./architecture.ts";
import { availabilityZone } from "./availability-zone.ts";
import { capabilities } from "./capabilities.ts";
import { configDrive } from "./config-drive.ts";
import { cpu } from "./cpu.ts";
import { disk } from "./disk.ts";
import { diskRoom } from "./disk-room.ts";
import { enabled } from "./enabled.ts";
import { excluded } from "./excluded.ts";
import type { Filter } from "./filter.ts";
import { groupAffinity, groupAntiAffinity } from "./group.ts";
import { differentHost, forcedHost, sameHost } from "./hints.ts";
import { image } from "./image.ts";
import { lease } from "./lease.ts";
import { instances, ioOps } from "./load.ts";
import { localDisks } from "./local-disks.ts";
import { networked } from "./networked.ts";
import { numa } from "./numa.ts";
import { pinning } from "./pinning.ts";
import { publishing } from "./publishing.ts";
import { ram } from "./ram.ts";
import { shape } from "./shape.ts";
import { space } from "./space.ts";
import { storage } from "./storage.ts";
import { traits } from "./traits.ts";
import { volumes } from "./volumes.ts";

/** In the order in which they are asked: filters that refuse cheaply and often come first. */
export const filters: readonly Filter[] = [
  enabled,
  lease,
  alive,
  space,
  forcedHost,
  availabilityZone,
  groupAffinity,
  groupAntiAffinity,
  sameHost,
  differentHost,
  storage,
  volumes,
  configDrive,
  localDisks,
  networked,
  publishing,
  shape,
  ram,
  cpu,
  disk,
  diskRoom,
  architecture,
  image,
  excluded,
  ioOps,
  instances,
  aggregateProjects,
  aggregateFlavors,
  aggregateImages,
  aggregateExtraSpecs,
  capabilities,
  traits,
  pinning,
  numa,
];
