/**
 * The interfaces of the picture's routers of which this host can have a device: each is a port of a bridge,
 * and the only one of its MAC address there. One has none whose name would be another's, whose network or
 * subnet is not in the picture, or that says to be the bridge itself. Pure.
 */
import { addressOf, addressText, type Cidr, cidrOf, contains, overlap } from "../../../protocol/address.ts";
import type { HostNetworking, NetworkPicture, RouterPicture } from "../../../protocol/networking.ts";
import { carriedNetworks } from "./carried-networks.ts";
import { bridgeMac, bridgeName, clashing, routerPortName } from "./device-names.ts";

export interface RouterPort {
  readonly routerId: string;
  readonly portId: string;
  readonly networkId: string;
  readonly subnetId: string;
  /** Its name in the fabric, and in the router. */
  readonly device: string;
  readonly bridge: string;
  readonly mac: string;
  readonly address: string;
  /** Addresses that are behind it. */
  readonly range: Cidr;
  readonly mtuBytes: number;
}

/** What is a link's or the host's own is never routed: link-local addresses, and those of services. */
export const neverRouted = ["169.254.0.0/16", "100.64.0.0/10"] as const;
/** Of IPv6: nobody's, a computer's own and IPv4's in another form, a link's, and those of groups. */
export const neverRouted6 = ["::/8", "fe80::/10", "ff00::/8"] as const;
const own = [...neverRouted, ...neverRouted6].flatMap((text) => cidrOf(text) ?? []);

/** The routers of the picture; of two with one id, the first. */
export const routersOf = (networking: HostNetworking | null): readonly RouterPicture[] => [
  ...new Map((networking?.routers ?? []).toReversed().map((router) => [router.id, router])).values(),
];

export function routerPortsOf(networking: HostNetworking | null): readonly RouterPort[] {
  const known = new Map(carriedNetworks(networking).map((network) => [network.id, network]));
  const routers = routersOf(networking);
  const late = clashing(routers.flatMap(({ interfaces }) => interfaces.map(({ portId }) => portId)));
  const taken = new Set<string>();
  return routers.flatMap((router) =>
    router.interfaces.flatMap((one) => {
      const port = late.has(one.portId) ? undefined : portOf(router.id, one, known.get(one.networkId));
      if (port === undefined) return [];
      const keys = [`${port.bridge} ${port.mac}`, `${port.bridge} ${port.address}`, port.portId];
      if (keys.some((key) => taken.has(key))) return [];
      for (const key of keys) taken.add(key);
      return [port];
    }),
  );
}

function portOf(
  routerId: string,
  { portId, networkId, subnetId, mac: written, address: text }: RouterPicture["interfaces"][number],
  network: NetworkPicture | undefined,
): RouterPort | undefined {
  const range = cidrOf(network?.subnets.find(({ id }) => id === subnetId)?.cidr ?? "");
  const [address, mac] = [addressOf(text), written.toLowerCase()];
  if (network === undefined || range === undefined || address === undefined) return undefined;
  if (!contains(range, address) || own.some((one) => overlap(one, range))) return undefined;
  if (mac === bridgeMac(networkId)) return undefined;
  return {
    ...{ routerId, portId, networkId, subnetId, device: routerPortName(portId) },
    ...{
      bridge: bridgeName(networkId),
      mac,
      address: addressText(address),
      range,
      mtuBytes: network.mtuBytes,
    },
  };
}
