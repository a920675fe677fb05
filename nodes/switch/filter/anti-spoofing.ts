/**
 * Whether a frame is one that its sender may send at all, whatever the rules of groups say: from its own MAC
 * and addresses, and nothing by which a guest passes for a router or a DHCP server. What is of no known kind
 * is refused. Pure.
 */

import { type Arp, nowhere } from "../frames/arp.ts";
import { type Frame, isGroupMac } from "../frames/ethernet.ts";
import { type Carried, protocols } from "../frames/flow.ts";
import type { IpPacket } from "../frames/ip.ts";
import { unspecified } from "../frames/neighbour.ts";
import type { PlannedPort } from "../planned.ts";

/** UDP ports of DHCP's servers; clients have the ones before and after. */
const dhcpPorts = { client: 68, server: 67, serverV6: 547 } as const;
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
  const server = flow.version === 4 ? dhcpPorts.server : dhcpPorts.serverV6;
  return flow.protocol === protocols.udp && flow.sourcePort === server ? "dhcpServer" : undefined;
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
  // Of what is sent without an address of IPv6, nothing is for one guest alone.
  return packet.source === unspecified && carried.icmp !== null && isGroupMac(frame.destination);
}

export const isDhcpQuestion = ({ flow }: Carried): boolean =>
  flow.version === 4 &&
  flow.protocol === protocols.udp &&
  flow.sourcePort === dhcpPorts.client &&
  flow.destinationPort === dhcpPorts.server;
