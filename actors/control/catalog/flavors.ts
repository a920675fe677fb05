/** Flavors: made and removed by operators, never changed, listed by everybody. */
import { flavor, type flavorService } from "../../../protocol/flavor.ts";
import type { Handlers } from "../../../protocol/wire/service.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { resourceHandlers } from "./resource-handlers.ts";

export function flavorHandlers(options: CatalogOptions): Handlers<typeof flavorService> {
  const { create, list, get, delete: remove } = resourceHandlers(flavor, options);
  return {
    ...{ list, get, delete: remove },
    create: (request, context) => create({ extraSpecs: {}, ...request }, { request, context }),
  };
}
