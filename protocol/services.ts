/**
 * Every service that clients reach, by its name in the SDK. The SDK, the controllers, discovery, the
 * documents and the specs that hold for all services read this list; there is no other.
 */
import { availabilityZoneService } from "./aggregate.ts";
import { controllerService } from "./controller.ts";
import { eventService } from "./event.ts";
import { doctorService, hostService } from "./host.ts";
import { instanceService } from "./instance.ts";
import { operationService } from "./operation.ts";
import { quotaService } from "./quota.ts";
import { resourceServices } from "./resources.ts";
import type { Handlers } from "./wire/service.ts";

export const services = {
  instance: instanceService,
  operation: operationService,
  event: eventService,
  host: hostService,
  ...resourceServices,
  availabilityZone: availabilityZoneService,
  quota: quotaService,
  doctor: doctorService,
  controller: controllerService,
} as const;

/** Handlers for all of them; one that is missing does not compile. */
export type AllHandlers = { readonly [K in keyof typeof services]: Handlers<(typeof services)[K]> };
