/** Every service of the protocol, for specs that hold for all of them. */
import { aggregateService, availabilityZoneService } from "../../protocol/aggregate.ts";
import { controllerService } from "../../protocol/controller.ts";
import { eventService } from "../../protocol/event.ts";
import { flavorService } from "../../protocol/flavor.ts";
import { doctorService, hostService } from "../../protocol/host.ts";
import { imageService } from "../../protocol/image.ts";
import { instanceService } from "../../protocol/instance.ts";
import { hostAgentService, reportService } from "../../protocol/machine.ts";
import { operationService } from "../../protocol/operation.ts";
import { quotaService } from "../../protocol/quota.ts";
import { serverGroupService } from "../../protocol/server-group.ts";
import type { Service } from "../../protocol/wire/service.ts";

/** Services that clients reach. */
export const clientServices: readonly Service[] = [
  instanceService,
  operationService,
  eventService,
  flavorService,
  imageService,
  hostService,
  aggregateService,
  availabilityZoneService,
  serverGroupService,
  quotaService,
  doctorService,
  controllerService,
];

/** Services between controllers and compute nodes. */
export const nodeServices: readonly Service[] = [hostAgentService, reportService];

export const allServices: readonly Service[] = [...clientServices, ...nodeServices];
