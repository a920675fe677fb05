/** Pictures of networks of any size, and the ports of a host on them, for the benchmark `network`. Pure. */
import type { PortSpec } from "../../actors/ports/network.ts";
import type { FarPicture, GroupPicture, HostNetworking, PortPicture } from "../../protocol/networking.ts";

/** As many ports as one computer's worth of guests of a small project. */
export const portsPerNetwork = 10;
const [groupCount, rulesPerGroup, groupsOfPort] = [20, 50, 2];
const mtuBytes = 1_400;

const id = (kind: string, index: number): string =>
  `01890000-0000-7000-8000-${kind}${index.toString(16).padStart(11, "0")}`;
const byte = (value: number): string => (value & 255).toString(16).padStart(2, "0");

const networkIdOf = (index: number): string => id("f", index);

export interface BenchPort extends PortSpec {
  /** Of its network, from 0. */
  readonly network: number;
  readonly address: string;
}

/** The port with this number, of all networks. */
export function benchPort(index: number): BenchPort {
  const network = Math.floor(index / portsPerNetwork);
  const host = (index % portsPerNetwork) + 10;
  return {
    ...{ portId: id("a", index), networkId: networkIdOf(network), instanceId: id("1", index), ownerEpoch: 1 },
    ...{
      hostName: `guest-${index}`,
      mac: `52:54:01:${byte(index >> 16)}:${byte(index >> 8)}:${byte(index)}`,
    },
    ...{ mtuBytes, network, address: `10.${network >> 8}.${network & 255}.${host}` },
  };
}

const groupOf = (index: number): string => id("9", index);

const groupsOf = (index: number): readonly number[] =>
  Array.from({ length: groupsOfPort }, (_, step) => (index + step) % groupCount);

const portPicture = (index: number): PortPicture => {
  const { portId, instanceId, mac, address, network } = benchPort(index);
  return {
    ...{ id: portId, instanceId, mac, portSecurity: true, addressPairs: [] },
    addresses: [{ subnetId: id("5", network), address }],
    groupIds: groupsOf(index).map(groupOf),
  };
};

/** Everything may go out; and fifty rules in, of which one is for the group itself. */
function groupPicture(group: number, ports: readonly number[]): GroupPicture {
  const none = { protocol: null, portMin: null, portMax: null, remoteCidr: null, remoteGroupId: null };
  const ingress = { ...none, direction: "ingress", ipVersion: 4 } as const;
  const opened = Array.from({ length: rulesPerGroup - 2 }, (_, step) => ({
    ...{ ...ingress, protocol: 6, portMin: 1_000 * group + step + 1, portMax: 1_000 * group + step + 1 },
    remoteCidr: `192.0.2.${step}/32`,
  }));
  return {
    id: groupOf(group),
    rules: [
      { ...none, direction: "egress", ipVersion: 4 },
      { ...ingress, remoteGroupId: groupOf(group) },
      ...opened,
    ],
    members: ports
      .filter((one) => groupsOf(one).includes(group))
      .map((one) => `${benchPort(one).address}/32`),
  };
}

/** The picture of a host with these ports, each in two of twenty groups of fifty rules. */
export function benchPicture(version: number, ports: readonly number[]): HostNetworking {
  const networks = [...Map.groupBy(ports, (one) => benchPort(one).network)].map(([network, own]) => ({
    ...{ id: networkIdOf(network), number: 1_000 + network, mtuBytes },
    subnets: [
      {
        ...{ id: id("5", network), cidr: `10.${network >> 8}.${network & 255}.0/24`, gateway: null },
        ...{ dnsServers: [], hostRoutes: [], dhcp: true },
      },
    ],
    ports: own.map(portPicture),
  }));
  const groups = Array.from({ length: groupCount }, (_, group) => groupPicture(group, ports));
  return { version, networks, groups };
}

/** Ports of the first network on other hosts, `perHost` on each. */
export function farPorts(count: number, perHost: number): readonly FarPicture[] {
  const hosts = Math.ceil(count / perHost);
  return Array.from({ length: hosts }, (_, host) => ({
    ...{ networkId: networkIdOf(0), host: `192.0.2.${host + 2}` },
    ports: Array.from({ length: Math.min(perHost, count - host * perHost) }, (_, step) => {
      const index = host * perHost + step;
      return {
        ...{ id: id("b", index), mac: `52:54:02:${byte(index >> 16)}:${byte(index >> 8)}:${byte(index)}` },
        ...{ addresses: [`10.128.${index >> 8}.${index & 255}`], addressPairs: [] },
      };
    }),
  }));
}
