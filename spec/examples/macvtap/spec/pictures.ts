/** Pictures of one network on the physical network `provider`, as an agent is told them. */
import type { HostNetworking, PortSpec } from "novact/plugin";
import { physicalNetwork } from "./worlds.ts";

/** `filtered`: ids of the ports that have `portSecurity`. */
export const pictureOf = (
  version: number,
  ports: readonly PortSpec[],
  filtered: readonly string[] = [],
): HostNetworking => ({
  version,
  groups: [],
  networks: [
    {
      ...{ id: "network", number: 1, mtuBytes: 1_400, subnets: [], physicalNetwork },
      ports: ports.map(({ portId: id, instanceId, mac }) => ({
        ...{ id, instanceId, mac, addresses: [], addressPairs: [], groupIds: [] },
        portSecurity: filtered.includes(id),
      })),
    },
  ],
});
