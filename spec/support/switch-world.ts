/**
 * Pictures for specs of the switch: networks of a /24, guests by number on them, and groups. Guest 7 of the
 * network 1 has 10.0.1.7, fd00:1::7 and the MAC 52:54:00:00:01:07.
 */

import type { SwitchPlug, SwitchState } from "../../nodes/switch/state.ts";
import type {
  FarPicture,
  GroupPicture,
  HostNetworking,
  NetworkPicture,
  PortPicture,
} from "../../protocol/networking.ts";
import type { Ends } from "./frames.ts";

export interface Guest {
  readonly network: number;
  readonly number: number;
}

const byte = (value: number): string => value.toString(16).padStart(2, "0");
export const macOf = ({ network, number }: Guest): string => `52:54:00:00:${byte(network)}:${byte(number)}`;
export const ip4Of = ({ network, number }: Guest): string => `10.0.${network}.${number}`;
export const ip6Of = ({ network, number }: Guest): string => `fd00:${network}::${number}`;
export const portIdOf = ({ network, number }: Guest): string => `port-${network}-${number}`;

export const ends4 = (from: Guest, to: Guest): Ends => ({
  ...{ sourceMac: macOf(from), destinationMac: macOf(to), source: ip4Of(from), destination: ip4Of(to) },
});
export const ends6 = (from: Guest, to: Guest): Ends => ({
  ...{ sourceMac: macOf(from), destinationMac: macOf(to), source: ip6Of(from), destination: ip6Of(to) },
});

export type RulePicture = GroupPicture["rules"][number];

export const rule = (given: Partial<RulePicture>): RulePicture => ({
  ...{ direction: "ingress", ipVersion: 4, protocol: null, portMin: null, portMax: null },
  ...{ remoteCidr: null, remoteGroupId: null, ...given },
});

/** What a new group allows: to send everything. */
export const sendAll: readonly RulePicture[] = [
  rule({ direction: "egress" }),
  rule({ direction: "egress", ipVersion: 6 }),
];

/** As a project's own: everything among its members. */
export const defaultGroup = (guests: readonly Guest[]): GroupPicture => ({
  id: "default",
  rules: [...sendAll, rule({ remoteGroupId: "default" }), rule({ ipVersion: 6, remoteGroupId: "default" })],
  members: guests.flatMap((guest) => [`${ip4Of(guest)}/32`, `${ip6Of(guest)}/128`]),
});

export const portOf = (guest: Guest, given: Partial<PortPicture> = {}): PortPicture => ({
  id: portIdOf(guest),
  instanceId: `instance-${portIdOf(guest)}`,
  mac: macOf(guest),
  addresses: [
    { subnetId: `subnet-${guest.network}`, address: ip4Of(guest) },
    { subnetId: `subnet6-${guest.network}`, address: ip6Of(guest) },
  ],
  ...{ portSecurity: true, addressPairs: [], groupIds: ["default"], ...given },
});

export const networkOf = (number: number, ports: readonly PortPicture[]): NetworkPicture => ({
  ...{ id: `network-${number}`, number, mtuBytes: 1_400, ports: [...ports] },
  subnets: [
    {
      ...{ id: `subnet-${number}`, cidr: `10.0.${number}.0/24`, gateway: `10.0.${number}.1`, dhcp: true },
      ...{ dnsServers: ["9.9.9.9"], hostRoutes: [] },
    },
    {
      ...{ id: `subnet6-${number}`, cidr: `fd00:${number}::/64`, gateway: null, dhcp: false },
      ...{ dnsServers: [], hostRoutes: [] },
    },
  ],
});

/** `ports`: of any networks. */
export function pictureOf(
  guests: readonly Guest[],
  given: { readonly groups?: readonly GroupPicture[]; readonly port?: Partial<PortPicture> } = {},
): HostNetworking {
  const numbers = [...new Set(guests.map(({ network }) => network))];
  const networks = numbers.map((number) => {
    const own = guests.filter(({ network }) => network === number);
    return networkOf(
      number,
      own.map((guest) => portOf(guest, given.port)),
    );
  });
  return { version: 1, networks, groups: given.groups ?? [defaultGroup(guests)] };
}

/** Of the networks 1 and 2: the second has the first one's subnets, addresses and MACs. */
export function twinPicture(guests: readonly Guest[], rules: readonly RulePicture[]): HostNetworking {
  const networks = [1, 2].map((number) => {
    const ports = guests
      .filter(({ network }) => network === number)
      .map((guest) => {
        const { id, instanceId } = portOf(guest);
        return { ...portOf({ ...guest, network: 1 }), id, instanceId };
      });
    return { ...networkOf(1, ports), id: `network-${number}`, number };
  });
  return { version: 1, networks, groups: [{ id: "default", rules: [...rules], members: [] }] };
}

/** Addresses of IPv6 are told by DHCP as well. */
export const told6 = (picture: HostNetworking): HostNetworking => ({
  ...picture,
  networks: picture.networks.map((network) => ({
    ...network,
    subnets: network.subnets.map((subnet) => ({ ...subnet, dhcp: true })),
  })),
});

/** The guests of one network as they are said to be on another host. */
export const farOf = (host: string, guests: readonly Guest[]): FarPicture => ({
  ...{ networkId: `network-${guests[0]?.network}`, host },
  ports: guests.map((guest) => ({
    ...{ id: portIdOf(guest), mac: macOf(guest), addressPairs: [] },
    addresses: [ip4Of(guest), ip6Of(guest)],
  })),
});

/** `directory`: of the guests' sockets. */
export const plugOf = (guest: Guest, directory = "/nowhere"): SwitchPlug => ({
  ...{ portId: portIdOf(guest), networkId: `network-${guest.network}`, mac: macOf(guest), mtuBytes: 1_400 },
  ...{ instanceId: `instance-${portIdOf(guest)}`, hostName: `guest-${guest.number}` },
  path: `${directory}/${portIdOf(guest)}`,
});

export const stateOfGuests = (guests: readonly Guest[], networking: HostNetworking | null): SwitchState => ({
  networking,
  plugs: guests.map((guest) => plugOf(guest)),
});
