/** Published ports: made and taken back by the project of the port that they lead to. */
import { address, plug, port } from "../../../../protocol/port.ts";
import { publishedPort, type publishedPortService } from "../../../../protocol/published-port.ts";
import type { Handlers } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import type { StorePart } from "../../../ports/store.ts";
import {
  assertBindable,
  assertHostPortsFree,
  fieldsOf,
  notPublishable,
  publishableOn,
} from "../../networking/publications.ts";
import type { CatalogOptions } from "../../request/commit-once.ts";
import { findOwnRow, referringTo } from "../../request/rows.ts";
import { resourceHandlers } from "../resource-handlers.ts";

export type PublishingOptions = CatalogOptions & { readonly store: StorePart<{ instances: "get" }> };

export function publishedPortHandlers(options: PublishingOptions): Handlers<typeof publishedPortService> {
  const { store } = options;
  const {
    create,
    list,
    get,
    delete: remove,
  } = resourceHandlers(publishedPort, options, {
    // Of the host's port it was said before, unless somebody was faster.
    taken: () => new StatusError("hostPortTaken", "The guest's port is published already, or the host's is."),
  });
  return {
    ...{ list, get, delete: remove },
    create: (request, context) => {
      const { networkPort, ...asked } = request;
      const fields = async () => {
        assertBindable([asked], "address");
        const found = await findOwnRow(port, { ...context, id: networkPort }, store.rows);
        const [plugs, addresses, publishable] = await Promise.all([
          referringTo(plug, { portId: [found.id] }, store.rows),
          referringTo(address, { portId: [found.id] }, store.rows),
          publishableOn(found.networkId, store),
        ]);
        const [plugged] = plugs.filter(({ device }) => device === "instance");
        if (plugged === undefined || (await isOnItsWayOut(found.id, plugged.deviceId, options)))
          throw new StatusError("notPublishable", `No instance is plugged into the port ${found.name}.`);
        if (!addresses.some(({ subnetId }) => publishable.has(subnetId))) throw notPublishable();
        await assertHostPortsFree([asked], options);
        return { ...fieldsOf(asked, found.id), project: found.project };
      };
      return create(fields, { request, context, told: { port: asked.port } });
    },
  };
}

async function isOnItsWayOut(
  portId: string,
  instanceId: string,
  { store }: Pick<PublishingOptions, "store">,
): Promise<boolean> {
  const interfaces = (await store.instances.get(instanceId))?.instance.interfaces ?? [];
  return interfaces.some((one) => one.portId === portId && one.change?.kind === "leaving");
}
