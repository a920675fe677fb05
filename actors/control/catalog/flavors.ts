/** Flavors: made and removed by operators, never changed, listed by everybody. */
import { flavor, type flavorService } from "../../../protocol/flavor.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import type { Handlers, RequestOf } from "../../../protocol/wire/service.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { extraSpecsFault } from "../scheduler/extra-specs.ts";
import { resourceHandlers } from "./resource-handlers.ts";

export function flavorHandlers(options: CatalogOptions): Handlers<typeof flavorService> {
  const { create, list, get, delete: remove } = resourceHandlers(flavor, options);
  return {
    ...{ list, get, delete: remove },
    create: (request, context) => create(async () => sound(request), { request, context }),
  };
}

type Fields = RequestOf<(typeof flavorService)["methods"]["create"]>;

/** @throws schemaMismatch for extra specs that nobody would keep */
function sound(request: Fields): Required<Fields> {
  const { extraSpecs = {}, ephemeralGib = 0, swapMib = 0 } = request;
  const fault = extraSpecsFault(extraSpecs, request);
  if (fault !== undefined) throw faulty("extraSpecs", fault);
  return { ...request, ephemeralGib, swapMib, extraSpecs };
}
