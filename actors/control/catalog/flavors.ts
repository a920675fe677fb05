/**
 * Flavors: made and removed by operators, listed by everybody. Each change is one commit, with its event and
 * its request id.
 */
import type { flavorService } from "../../../protocol/flavor.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { FlavorRecord } from "../../records/catalog.ts";
import { type CatalogOptions, catalogCommit, commitOnce, unlessAnswered } from "../request/commit-once.ts";
import { nextMarker } from "../request/page.ts";

export function flavorHandlers(options: CatalogOptions): Handlers<typeof flavorService> {
  const { store, ids, clock } = options;
  const find = async (key: string): Promise<FlavorRecord> => {
    const flavor = await store.getFlavor(key);
    if (flavor === undefined) throw new StatusError("flavorNotFound", `There is no flavor ${key}.`);
    return flavor;
  };
  return {
    create: async (request, context) => {
      const flavor: FlavorRecord = { id: ids.next(), extraSpecs: {}, ...request, createdAtMs: clock.nowMs() };
      const about = { noun: "flavor", id: flavor.id, event: "created", body: { name: flavor.name } };
      const commit = {
        flavors: [flavor],
        ...catalogCommit("flavor.create", about, { request, context, options }),
      };
      return commitOnce(commit, { flavor }, options);
    },
    list: async (request) => {
      const limit = request.limit ?? wireLimits.pageLengthDefault;
      const flavors = await store.listFlavors({ ...request, limit });
      return { flavors: [...flavors], ...nextMarker(flavors, limit) };
    },
    get: async (_request, context) => ({ flavor: await find(context.id) }),
    delete: async (request, context) => {
      const cause = { request, context, options };
      return unlessAnswered("flavor.delete", cause, async () => {
        const flavor = await find(context.id);
        const about = { noun: "flavor", id: flavor.id, event: "deleted", body: { name: flavor.name } };
        const commit = catalogCommit("flavor.delete", about, cause);
        return commitOnce({ flavorsRemoved: [flavor.id], ...commit }, { flavor }, options);
      });
    },
  };
}
