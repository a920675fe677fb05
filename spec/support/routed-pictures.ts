/** Small pictures with routers: whose guests are on which network and host, and how networks are joined. */
import type {
  FarPicture,
  GroupPicture,
  HostNetworking,
  NetworkPicture,
  RouterPicture,
} from "../../protocol/networking.ts";
import { ids, macOf, portPicture } from "./fabric-pictures.ts";

export interface RoutedGuest {
  readonly number: number;
  readonly network: number;
  readonly address: string;
  /** Absent: no address of IPv6. */
  readonly address6?: string;
  /** Which of the hosts. Absent: the first. */
  readonly host?: number;
  /** Id of the security group. Absent: `everything`, by which all packets pass. */
  readonly group?: string;
}

export interface RoutedNetwork {
  readonly number: number;
  readonly cidrs: readonly string[];
  /** How its subnets of IPv6 are otherwise: without a gateway, and without DHCP. */
  readonly subnets6?: Partial<NetworkPicture["subnets"][number]>;
  readonly mtuBytes?: number;
}

export interface RoutedWorld {
  readonly version: number;
  readonly networks: readonly RoutedNetwork[];
  readonly guests: readonly RoutedGuest[];
  readonly routers: readonly RouterPicture[];
  readonly groups?: readonly GroupPicture[];
}

export const subnetId = (network: number, index = 0): string => `subnet-${network}-${index}`;

export const gatewayMac = (number: number): string =>
  `52:54:00:00:02:${number.toString(16).padStart(2, "0")}`;

/** An interface of a router; port and MAC address are made of the number. */
export const interfaceAt = (
  number: number,
  network: number,
  address: string,
  index = 0,
): RouterPicture["interfaces"][number] => ({
  ...{ portId: ids.port(0x100 + number), networkId: ids.network(network), mac: gatewayMac(number) },
  ...{ subnetId: subnetId(network, index), address },
});

export const routerPicture = (number: number, given: Partial<RouterPicture> = {}): RouterPicture => ({
  ...{ id: `01890000-0000-7000-8000-00000000c00${number}`, interfaces: [], routes: [], outside: null },
  ...{ floating: [], ...given },
});

export const officeOf = (snat = true): NonNullable<RouterPicture["outside"]> => ({
  ...{ networkId: ids.network(0xee), physicalNetwork: "office", mtuBytes: 1_500, snat },
  subnets: [{ cidr: "203.0.113.0/24", gateway: "203.0.113.1" }],
});

export const floatingAt = (address: string, { number, address: target }: RoutedGuest) => ({
  ...{ id: `floating-${address.replaceAll(".", "-")}`, address, portId: ids.port(number), target },
});

const rule = (direction: "ingress" | "egress"): GroupPicture["rules"][number] => ({
  ...{ direction, ipVersion: 4, protocol: null, portMin: null, portMax: null },
  ...{ remoteCidr: null, remoteGroupId: null },
});
const bothWays = (ipVersion: 4 | 6) =>
  (["ingress", "egress"] as const).map((direction) => ({ ...rule(direction), ipVersion }));
export const everything: GroupPicture = {
  ...{ id: "everything", members: [], rules: [...bothWays(4), ...bothWays(6)] },
};
export const sendsOnly: GroupPicture = {
  ...{ id: "sends-only", members: [], rules: [rule("egress"), { ...rule("egress"), ipVersion: 6 }] },
};

const addressesOf = ({ address, address6 }: RoutedGuest): string[] => [
  ...[address, ...(address6 === undefined ? [] : [address6])],
];
const indexOf6 = (cidrs: readonly string[]): number => cidrs.findIndex((cidr) => cidr.includes(":"));

/** What one of the hosts is told. */
export function pictureOf(world: RoutedWorld, host = 0, underlays: readonly string[] = []): HostNetworking {
  const on = (network: number) => world.guests.filter((one) => one.network === network);
  const networks = world.networks.map(
    ({ number, cidrs, subnets6, mtuBytes = 1_400 }): NetworkPicture => ({
      ...{ id: ids.network(number), number: 76 + number, mtuBytes },
      subnets: cidrs.map((cidr, index) => ({
        ...{ id: subnetId(number, index), cidr, gateway: null, dnsServers: [], hostRoutes: [], dhcp: false },
        ...(cidr.includes(":") ? subnets6 : {}),
      })),
      ports: on(number).flatMap((one) => {
        const { number: of, host: at = 0, group = everything.id } = one;
        const addresses = addressesOf(one).map((address) => ({
          ...{ subnetId: subnetId(number, address.includes(":") ? indexOf6(cidrs) : 0), address },
        }));
        return at === host ? [{ ...portPicture(of, [group]), addresses }] : [];
      }),
    }),
  );
  const far = world.networks.flatMap(({ number }) =>
    underlays.flatMap((underlay, at): FarPicture[] => {
      const there = on(number).filter(({ host: of = 0 }) => of === at && at !== host);
      if (there.length === 0) return [];
      const ports = there.map((one) => ({
        ...{ id: ids.port(one.number), mac: macOf(one.number), addresses: addressesOf(one) },
        addressPairs: [],
      }));
      return [{ networkId: ids.network(number), host: underlay, ports }];
    }),
  );
  const isHere = ({ portId }: { readonly portId: string }) =>
    world.guests.some(({ number, host: at = 0 }) => ids.port(number) === portId && at === host);
  const routers = world.routers.map((router) => ({ ...router, floating: router.floating.filter(isHere) }));
  const groups = [everything, sendsOnly, ...(world.groups ?? [])];
  return { version: world.version, networks, groups, far, routers };
}
