/** Small pictures of networks, and the ports of a host on them, for specs of the driver `bridge`. */
import type { PortRecord } from "../../nodes/drivers/user-network/ports.ts";
import type { FarPicture, NetworkPicture, PortPicture } from "../../protocol/networking.ts";

const id = (kind: string, number: number): string =>
  `01890000-0000-7000-8000-00000000${kind}${number.toString(16).padStart(3, "0")}`;

export const ids = {
  network: (number: number) => id("f", number),
  port: (number: number) => id("a", number),
  instance: (number: number) => id("1", number),
} as const;

export const macOf = (number: number): string => `52:54:00:00:01:${number.toString(16).padStart(2, "0")}`;

export const portRecord = (number: number, network = 1): PortRecord => ({
  ...{ portId: ids.port(number), networkId: ids.network(network), instanceId: ids.instance(number) },
  ...{ ownerEpoch: 1, hostName: `guest-${number}`, mac: macOf(number), mtuBytes: 1_400 },
});

export const portPicture = (number: number, groupIds: readonly string[] = []): PortPicture => ({
  ...{ id: ids.port(number), instanceId: ids.instance(number), mac: macOf(number), portSecurity: true },
  addresses: [{ subnetId: "subnet", address: `10.9.0.${number}` }],
  ...{ addressPairs: [], groupIds: [...groupIds] },
});

export const networkPicture = (ports: readonly PortPicture[], network = 1): NetworkPicture => ({
  ...{ id: ids.network(network), number: 76 + network, mtuBytes: 1_400, ports: [...ports] },
  subnets: [
    {
      ...{ id: "subnet", cidr: "10.9.0.0/24", gateway: null, dnsServers: [], hostRoutes: [] },
      dhcp: true,
    },
  ],
});

export const far = (network: number, host: string, numbers: readonly number[]): FarPicture => ({
  ...{ networkId: ids.network(network), host },
  ports: numbers.map((number) => ({
    ...{ id: ids.port(number), mac: macOf(number), addresses: [`10.9.0.${number}`], addressPairs: [] },
  })),
});
