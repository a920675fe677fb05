/**
 * Subnets: ranges of a network's addresses, apart from each other. Whoever owns the network makes them;
 * their commit says whether the range is free.
 */
import { network, subnet, type subnetService } from "../../../../protocol/network.ts";
import type { Handlers } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import type { CatalogOptions } from "../../request/commit-once.ts";
import { findOwnRow } from "../../request/rows.ts";
import { resourceHandlers } from "../resource-handlers.ts";
import { rangesOf } from "./ranges.ts";

export function subnetHandlers(options: CatalogOptions): Handlers<typeof subnetService> {
  const {
    create,
    change,
    list,
    get,
    delete: remove,
  } = resourceHandlers(subnet, options, {
    held: "Ports have addresses of the subnet: novact port list.",
    taken: () =>
      new StatusError("subnetOverlaps", "The range overlaps with that of another subnet of the network."),
  });
  return {
    ...{ list, get, delete: remove },
    create: (request, context) => {
      const { name, dhcp = true } = request;
      const ranges = rangesOf(request);
      const fields = async () => {
        const on = await findOwnRow(network, { ...context, id: request.network }, options.store.rows);
        const { id: networkId, project, shared, external } = on;
        return { name, networkId, project, ...ranges, dhcp, shared: shared || external };
      };
      return create(fields, { request, context, told: { cidr: ranges.cidr } });
    },
    set: (request, context) =>
      change("set", { request, context }, async (before) => {
        const { gateway = before.gateway, dnsServers = before.dnsServers } = request;
        const { hostRoutes = before.hostRoutes } = request;
        const { pools, cidr } = before;
        const asked = { cidr, gateway, dnsServers, hostRoutes, ...(gateway === null ? {} : { pools }) };
        const { gateway: its, dnsServers: servers, hostRoutes: routes } = rangesOf(asked);
        const told = { gateway: its, dnsServers: servers, hostRoutes: routes };
        return { after: { ...before, ...request, ...told }, body: { ...request } };
      }),
  };
}
