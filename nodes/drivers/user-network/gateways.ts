/**
 * What the published ports of a host's guests want of it: a gateway for each subnet, a process with a TCP
 * stack in which the host's ports are open, and which calls guests in the name of the subnet's gateway. Pure.
 */
import { createHash } from "node:crypto";
import type { Unpublished } from "../../../actors/ports/network.ts";
import { addressOf } from "../../../protocol/address.ts";
import type {
  FarPicture,
  HostNetworking,
  NetworkPicture,
  PortPicture,
  SubnetPicture,
} from "../../../protocol/networking.ts";
import type { PublicationPicture } from "../../../protocol/published-port.ts";
import type { SwitchGateway } from "../../switch/state.ts";
import type { PortRecord } from "./ports.ts";

/** From a port of the host to a port of a guest. */
export interface Forward {
  /** Of the published port. */
  readonly id: string;
  readonly hostAddress: string;
  readonly hostPort: number;
  /** Of the network. */
  readonly portId: string;
  readonly address: string;
  readonly port: number;
}

export interface Gateway {
  readonly id: string;
  readonly networkId: string;
  /** The subnet's gateway, which no guest has. */
  readonly address: string;
  readonly mac: string;
  readonly forwards: readonly Forward[];
}

export interface Publishing {
  readonly gateways: readonly Gateway[];
  /** What no gateway can do. */
  readonly unpublished: readonly Unpublished[];
}

interface World {
  /** Ports of this node's guests. */
  readonly ports: ReadonlyMap<string, PortRecord>;
  readonly networking: HostNetworking | null;
  readonly hostId: string;
}

export function publishingOf({ ports, networking, hostId }: World): Publishing {
  const gateways = new Map<string, Gateway>();
  const unpublished: Unpublished[] = [];
  for (const network of networking?.networks ?? [])
    for (const { port, publication } of publishedOn(network, ports)) {
      const place = placeOf(network, port, takenOn(network, networking?.far ?? []));
      if (typeof place === "string") unpublished.push({ id: publication.id, why: place });
      else add(gateways, gatewayAt(place, network, hostId), forwardOf(publication, port.id, place));
    }
  return { gateways: [...gateways.values()].sort((one, other) => (one.id < other.id ? -1 : 1)), unpublished };
}

const publishedOn = (network: NetworkPicture, ports: World["ports"]) =>
  network.ports
    .filter(({ id, instanceId }) => ports.get(id)?.instanceId === instanceId)
    .flatMap((port) => (port.published ?? []).map((publication) => ({ port, publication })));

interface Place {
  readonly subnet: SubnetPicture;
  readonly gateway: string;
  /** Of the guest. */
  readonly address: string;
}

/**
 * Addresses and MACs of guests, on all hosts, with those of their address pairs: the switch lets no gateway
 * have one of these.
 */
const takenOn = ({ id, ports }: NetworkPicture, far: readonly FarPicture[]): ReadonlySet<string> => {
  const own = ports.map((port) => ({ ...port, addresses: port.addresses.map(({ address }) => address) }));
  const away = far.filter(({ networkId }) => networkId === id).flatMap((one) => one.ports);
  return new Set(
    [...own, ...away].flatMap(({ mac, addresses, addressPairs }) => [
      ...[mac, ...addresses],
      ...addressPairs.flatMap((pair) => [pair.mac ?? mac, pair.cidr.replace(/\/32$/, "")]),
    ]),
  );
};

/** Where the guest can be called; else why not, as a sentence. */
function placeOf({ subnets }: NetworkPicture, port: PortPicture, taken: ReadonlySet<string>): Place | string {
  for (const { subnetId, address } of port.addresses) {
    const subnet = subnets.find(({ id }) => id === subnetId);
    if (subnet === undefined || subnet.gateway === null || address.includes(":")) continue;
    const { gateway } = subnet;
    if (taken.has(gateway))
      return `The address ${gateway} of the subnet's gateway is a port's, which calls nobody.`;
    const mac = slirpMac(gateway);
    if (taken.has(mac)) return `The MAC ${mac} of the subnet's gateway is a port's, which calls nobody.`;
    return { subnet, gateway, address };
  }
  return "The guest has no address of IPv4 in a subnet with a gateway.";
}

/** A gateway of another version is replaced: slirp keeps the options of its start for life. */
const gatewayVersion = 1;

function gatewayAt({ subnet, gateway }: Place, { id: networkId }: NetworkPicture, hostId: string): Gateway {
  // Nodes of one computer share the switch, and each has its own gateway of a subnet.
  const told = `${hostId} ${subnet.id} ${gateway} ${gatewayVersion}`;
  const id = createHash("sha256").update(told).digest("hex").slice(0, 32);
  return { id, networkId, address: gateway, mac: slirpMac(gateway), forwards: [] };
}

function add(gateways: Map<string, Gateway>, fresh: Gateway, forward: Forward): void {
  const gateway = gateways.get(fresh.id) ?? fresh;
  gateways.set(gateway.id, { ...gateway, forwards: [...gateway.forwards, forward] });
}

const forwardOf = (
  { id, hostPort, address: hostAddress, port }: PublicationPicture,
  portId: string,
  { address }: Place,
): Forward => ({ id, hostAddress, hostPort, portId, address, port });

/** The MAC that slirp has with this address. */
function slirpMac(address: string): string {
  const bytes = address.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"));
  return `52:55:${bytes.join(":")}`;
}

export const switchGatewayOf = (
  { id, networkId, mac, address, forwards }: Gateway,
  path: string,
): SwitchGateway => ({
  ...{ id, networkId, mac, address, path },
  forwards: forwards.map(({ portId, address: its, port }) => ({ portId, address: its, port })),
});

/** IPv4's addresses in sixteen parts: slirp takes no larger range. */
const partBits = 28n;

/**
 * QEMU's options for slirp with this address. Its range is wider than any subnet, so that the addresses that
 * slirp wants for services of its own, which nobody reaches, are none of the subnet's.
 */
export function slirpOptions(gateway: string): string {
  const value = addressOf(gateway)?.value ?? 0n;
  const first = (value >> partBits) << partBits;
  const far = first | (~value & (1n << (partBits - 1n)));
  const [dns, dhcp] = [far | 0x0001_0002n, far | 0x0001_0003n].map(dotted);
  return `net=${dotted(first)}/4,host=${gateway},dns=${dns},dhcpstart=${dhcp},restrict=on,ipv6=off`;
}

const dotted = (value: bigint): string =>
  [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join(".");
