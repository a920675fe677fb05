/** Every service of the protocol, for specs that hold for all of them. */
import { hostAgentService, reportService } from "../../protocol/machine.ts";
import { services } from "../../protocol/services.ts";
import type { Service } from "../../protocol/wire/service.ts";

/** Services that clients reach. */
export const clientServices: readonly Service[] = Object.values<Service>(services);

/** Services between controllers and compute nodes. */
export const nodeServices: readonly Service[] = [hostAgentService, reportService];

export const allServices: readonly Service[] = [...clientServices, ...nodeServices];
