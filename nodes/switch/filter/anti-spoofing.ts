/**
 * Whether a frame is one that its sender may send at all, whatever the rules of groups say: from its own MAC
 * and addresses, and nothing by which a guest passes for a router or a DHCP server, or tells a client of DHCP
 * anything. What is of no known kind is refused. Pure.
 */

import { dhcp6Ports, dhcp6Servers } from "../../dhcp6/answer.ts";
import { type Arp, nowhere } from "../frames/arp.ts";
import { type Frame, isGroupMac } from "../frames/ethernet.ts";
import { type Carried, protocols } from "../frames/flow.ts";
import type { IpPacket } from "../frames/ip.ts";
import { solicitation, unspecified } from "../frames/neighbour.ts";
import type { PlannedPort } from "../planned.ts";

/** UDP ports of DHCP, by the version of IP. */
const dhcpPorts = { 4: { client: 68, server: 67 }, 6: dhcp6Ports } as const;
/** Redirect and router advertisement of ICMP (RFC 792, RFC 1256), of ICMPv6 (RFC 4861). */
const routerTypes = { 4: new Set([5, 9]), 6: new Set([134, 137]) } as const;

export type Spoof = "forgedMac" | "forgedAddress" | "forgedArp" | "dhcpServer" | "router";

/** A router's MAC is no guest's, whatever its port may send. */
export function forgedMac(
  { isFiltered, sources, network }: PlannedPort,
  { source }: Frame,
): Spoof | undefined {
  if (isFiltered && !sources.has(source)) return "forgedMac";
  return network.gates.size > 0 && network.gates.has(source) ? "forgedMac" : undefined;
}

/** A probe claims no address. */
export function forgedArp(port: PlannedPort, frame: Frame, arp: Arp): Spoof | undefined {
  if (arp.senderMac !== frame.source) return "forgedArp";
  const isProbe = arp.request && arp.senderAddress === nowhere;
  return isProbe || mayUse(port, frame, arp.senderAddress) ? undefined : "forgedArp";
}

/** `carried` undefined: a fragment that is not the first. */
export function forgedPacket(
  port: PlannedPort,
  frame: Frame,
  packet: IpPacket,
  carried: Carried | undefined,
): Spoof | undefined {
  if (!isOwn(port, frame, packet, carried)) return "forgedAddress";
  if (carried === undefined) return undefined;
  const { flow, icmp } = carried;
  if (icmp !== null) return routerTypes[flow.version].has(icmp.type) ? "router" : undefined;
  const { client, server } = dhcpPorts[flow.version];
  // Clients look at the port that an answer comes to, and not all of them at the one that it is from.
  const isServers = flow.sourcePort === server || flow.destinationPort === client;
  return flow.protocol === protocols.udp && isServers ? "dhcpServer" : undefined;
}

/** A router's address is no guest's, whatever pairs hold; a gateway has it in common with the router. */
const mayUse = (port: PlannedPort, { source }: Frame, address: string): boolean =>
  port.sources.get(source)?.has(address) === true &&
  !(port.network.gatesByAddress.has(address) && port.forwards === undefined);

/** A guest without an address may ask for one, and whether somebody has it. */
function isOwn(port: PlannedPort, frame: Frame, packet: IpPacket, carried: Carried | undefined): boolean {
  if (mayUse(port, frame, packet.source)) return true;
  if (carried === undefined || packet.fragment !== null) return false;
  if (packet.source === nowhere) return isDhcpQuestion(carried);
  if (isLinkLocal(packet.source) && isForHost(carried)) return true;
  // Of what is sent without an address of IPv6, nothing is for one guest alone.
  return packet.source === unspecified && carried.icmp !== null && isGroupMac(frame.destination);
}

export const isDhcpQuestion = ({ flow }: Carried): boolean =>
  flow.version === 4 &&
  flow.protocol === protocols.udp &&
  flow.sourcePort === dhcpPorts[4].client &&
  flow.destinationPort === dhcpPorts[4].server;

/** From whichever port: servers answer to the clients' own (RFC 8415, 7.2). */
export const isDhcp6Question = ({ flow }: Carried): boolean =>
  flow.protocol === protocols.udp &&
  flow.destination === dhcp6Servers &&
  flow.destinationPort === dhcp6Ports.server;

const isLinkLocal = (address: string): boolean => /^fe[89ab]/.test(address) && address.length === 32;

/**
 * What nobody but the guest's own host hears a guest may ask by any link-local address: many make one that
 * tells nothing of their MAC (RFC 7217).
 */
const isForHost = (carried: Carried): boolean =>
  isDhcp6Question(carried) || (carried.flow.version === 6 && carried.icmp?.type === solicitation);
