/**
 * Subnets: ranges of a network's addresses, apart from each other. Whoever owns the network makes them;
 * their commit says whether the range is free.
 */
import { network, subnet, type subnetService } from "../../../../protocol/network.ts";
import { address } from "../../../../protocol/port.ts";
import { routerInterface } from "../../../../protocol/router.ts";
import type { RowOf } from "../../../../protocol/wire/resource.ts";
import type { Handlers } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import type { RowReads } from "../../../ports/row-reads.ts";
import type { CatalogOptions } from "../../request/commit-once.ts";
import { findOwnRow, referringTo } from "../../request/rows.ts";
import { resourceHandlers } from "../resource-handlers.ts";
import { rangesOf } from "./ranges.ts";

/** A router has the gateway's address, which guests were told. @throws inUse */
async function assertNotLed({ id, name, gateway }: RowOf<typeof subnet>, rows: RowReads): Promise<void> {
  const gates = await referringTo(routerInterface, { subnetId: [id] }, rows);
  const its = await referringTo(address, { portId: gates.map(({ portId }) => portId) }, rows);
  if (its.some((one) => one.name === gateway))
    throw new StatusError("inUse", `A router has the gateway's address in the subnet ${name}.`);
}

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
      const { name } = request;
      const ranges = rangesOf(request);
      // Guests know what to do with an address of IPv6 that they are to set; a client of DHCPv6 not all have.
      const dhcp = request.dhcp ?? !ranges.cidr.includes(":");
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
        if (its !== before.gateway) await assertNotLed(before, options.store.rows);
        const told = { gateway: its, dnsServers: servers, hostRoutes: routes };
        return { after: { ...before, ...request, ...told }, body: { ...request } };
      }),
  };
}
