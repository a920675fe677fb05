/** The handlers of networks and of everything on them, which share what is known of addresses and groups. */

import { Addresses } from "../../networking/addresses.ts";
import { DefaultGroups } from "../../networking/default-group.ts";
import type { CatalogOptions } from "../../request/commit-once.ts";
import { floatingIpHandlers } from "./floating-ips.ts";
import { type NetworkOptions, networkHandlers } from "./networks.ts";
import { type PortOptions, portHandlers } from "./ports.ts";
import { type PublishingOptions, publishedPortHandlers } from "./published-ports.ts";
import { routerHandlers } from "./routers.ts";
import { securityGroupHandlers, securityGroupRuleHandlers } from "./security-groups.ts";
import { subnetHandlers } from "./subnets.ts";

/** What is known of addresses and groups: one for all who make ports at a controller. */
export interface Networking {
  readonly addresses: Addresses;
  readonly defaultGroups: DefaultGroups;
  /** As HostPorts has them. */
  readonly hostPortsReserved?: ReadonlySet<number> | undefined;
}

export const networkingOf = (
  options: Pick<CatalogOptions, "store" | "commit" | "clock" | "ids" | "hostPortsReserved">,
): Networking => ({
  hostPortsReserved: options.hostPortsReserved,
  addresses: new Addresses(options.store),
  defaultGroups: new DefaultGroups(options),
});

export type NetworkingOptions = NetworkOptions &
  PublishingOptions &
  Pick<PortOptions, "portStates" | "portCounters" | "assertLimitKept"> & {
    readonly networking: Networking;
  };

export function networkingHandlers({ networking, ...options }: NetworkingOptions) {
  const groups = { ...options, ...networking };
  return {
    network: networkHandlers(options),
    subnet: subnetHandlers(options),
    port: portHandlers(groups),
    securityGroup: securityGroupHandlers(groups),
    securityGroupRule: securityGroupRuleHandlers(groups),
    publishedPort: publishedPortHandlers(options),
    router: routerHandlers(options),
    floatingIp: floatingIpHandlers(groups),
  };
}
