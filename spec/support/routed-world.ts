/**
 * Pictures with routers for specs of the switch, beside switch-world.ts: a router's interface on the network
 * 1 has 10.0.1.1 and the MAC fa:16:3e:00:ROUTER:01; the number of the router is 1 where nothing is said.
 */
import { exitAddress } from "../../nodes/switch/routing/exit.ts";
import type { SwitchState } from "../../nodes/switch/state.ts";
import type { HostNetworking, NetworkPicture, RouterPicture } from "../../protocol/networking.ts";
import { sealed } from "./forged-frames.ts";
import { type Ends, type Ip4Given, ip4Frame } from "./frames.ts";
import {
  defaultGroup,
  type Guest,
  ip4Of,
  macOf,
  networkOf,
  pictureOf,
  plugOf,
  portOf,
} from "./switch-world.ts";

const byte = (value: number): string => value.toString(16).padStart(2, "0");
export const gateMac = (network: number, router = 1): string =>
  `fa:16:3e:00:${byte(router)}:${byte(network)}`;
export const gateAddress = (network: number, last = 1): string => `10.0.${network}.${last}`;

/** `last`: of its addresses. */
export const interfaceOf = (network: number, router = 1, last = 1): RouterPicture["interfaces"][number] => ({
  ...{ portId: `gate-${router}-${network}`, networkId: `network-${network}`, mac: gateMac(network, router) },
  ...{ subnetId: `subnet-${network}`, address: gateAddress(network, last) },
});

/** `networks`: on which it has an interface. */
export const routerOf = (networks: readonly number[], given: Partial<RouterPicture> = {}): RouterPicture => ({
  ...{ id: "router-1", interfaces: networks.map((network) => interfaceOf(network)) },
  ...{ routes: [], outside: null, floating: [], ...given },
});

export const outsideOf = (given: Partial<NonNullable<RouterPicture["outside"]>> = {}) => ({
  ...{ networkId: "network-public", physicalNetwork: "public", mtuBytes: 1_500, subnets: [], snat: true },
  ...given,
});

/** All guests are plugged in, as guests of one node; a network without guests is there as well. */
export function routedState(
  guests: readonly Guest[],
  routers: readonly RouterPicture[],
  given: { readonly networking?: Partial<HostNetworking>; readonly exits?: SwitchState["exits"] } = {},
): SwitchState {
  const picture = pictureOf(guests, { groups: [defaultGroup(guests)] });
  const known = new Set(picture.networks.map(({ id }) => id));
  const reached = new Set(routers.flatMap(({ interfaces }) => interfaces.map(({ networkId }) => networkId)));
  const empty: readonly NetworkPicture[] = [...reached]
    .filter((id) => !known.has(id))
    .map((id) => networkOf(Number(id.split("-")[1]), []));
  return {
    networking: { ...picture, networks: [...picture.networks, ...empty], routers, ...given.networking },
    plugs: guests.map((guest) => ({ ...plugOf(guest), node: "node-1", underlay: "192.0.2.1" })),
    ...(given.exits === undefined ? {} : { exits: given.exits }),
  };
}

export const exitOf = (id = "exit-1", node = "node-1", routerId = "router-1") => ({
  ...{ id, node, routerId, path: `/nowhere/${id}` },
});

/** From a guest to the router, for whoever has the destination. */
export const toRouter = (guest: Guest, destination: string, router = 1): Ends => ({
  ...{ sourceMac: macOf(guest), destinationMac: gateMac(guest.network, router) },
  ...{ source: ip4Of(guest), destination },
});

/** As the process outside sends it to a guest. */
export const fromOutside = (source: string, destination: string): Ends => ({
  ...{ sourceMac: exitAddress.mac, destinationMac: exitAddress.routerMac, source, destination },
});

/** With a header that routers take. */
export const routed = (ends: Ends, protocol: number, payload: Buffer, given: Ip4Given = {}): Buffer =>
  sealed(ip4Frame(ends, protocol, payload, given));

export function withTimeToLive(frame: Buffer, timeToLive: number): Buffer {
  const copy = Buffer.from(frame);
  copy[22] = timeToLive;
  return sealed(copy);
}

export function undivided(frame: Buffer): Buffer {
  const copy = Buffer.from(frame);
  copy[20] = 0x40;
  return sealed(copy);
}

/** Without a group: nothing may come in, and nothing goes out. */
export const closedPort = (guest: Guest) => portOf(guest, { groupIds: [] });

/** The ends of a frame of IPv4, its time to live, and whether its header is right. */
export function headerOf(frame: Buffer) {
  const address = (at: number) => [...frame.subarray(at, at + 4)].join(".");
  const mac = (at: number) =>
    frame
      .toString("hex", at, at + 6)
      .match(/../g)
      ?.join(":") ?? "";
  return {
    ...{ destinationMac: mac(0), sourceMac: mac(6), source: address(26), destination: address(30) },
    ...{ timeToLive: frame[22], isRight: sealed(frame).equals(frame) },
  };
}

/** The sum over all of ICMP's message, which is 0 when it is right. */
export function icmpSum(frame: Buffer): number {
  const message = frame.subarray(34, 14 + frame.readUInt16BE(16));
  let sum = 0;
  for (let at = 0; at < message.length; at += 2) sum += (message[at] ?? 0) * 256 + (message[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
