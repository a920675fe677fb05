/**
 * Neighbour discovery of IPv6 (RFC 4861), as far as a switch that knows every address takes part in it: the
 * question who has an address, and the answer.
 */
import { allNodes } from "../../dhcp6/advertisement.ts";
import { ethernetBytes, type Frame } from "./ethernet.ts";
import { protocols } from "./flow.ts";
import type { IpPacket } from "./ip.ts";
import { discoveryHops, writeDiscovery } from "./packet6.ts";

export interface NeighbourQuestion {
  readonly target: string;
  /** `unspecified`: the guest asks whether it may take the address (RFC 4862, 5.4). */
  readonly source: string;
}

/** ::. */
export const unspecified = "0".repeat(32);
export const allNodesMac = "333300000001";
/** A guest asks for routers. */
export const solicitation = 133;
const types = { first: solicitation, question: 135, answer: 136, last: 137 } as const;

/** Whether the type is one of neighbour discovery's, of routers' as well. */
export const isDiscovery = (type: number): boolean => type >= types.first && type <= types.last;

/** Undefined: it is no question, or not a valid one. */
export function readQuestion(bytes: Buffer, packet: IpPacket): NeighbourQuestion | undefined {
  const { at, end, version, protocol, source, fragment } = packet;
  if (version !== 6 || protocol !== protocols.icmpv6 || fragment !== null || end - at < 24) return undefined;
  if (bytes[at] !== types.question || bytes[ethernetBytes + 7] !== discoveryHops) return undefined;
  return { target: bytes.toString("hex", at + 8, at + 24), source };
}

/** Who has the address that is asked for. */
export interface Holder {
  readonly mac: string;
  /** Guests forget a way out when its router says that it is none (RFC 4861, 7.3.3). */
  readonly isRouter: boolean;
}

/** The frame that tells the asker, or everybody on its side, that the MAC has the address. */
export function writeNeighbour(
  { target, source }: NeighbourQuestion,
  { mac, isRouter }: Holder,
  asker: Frame,
): Buffer {
  const isAsked = source !== unspecified;
  const destination = isAsked ? source : allNodes;
  // Of a router or not, solicited or not, and: take this one in the place of whatever was known before.
  const flags = ((isRouter ? 0x80 : 0) | (isAsked ? 0x40 : 0) | 0x20).toString(16);
  const message = Buffer.from(`${types.answer.toString(16)}000000${flags}000000${target}0201${mac}`, "hex");
  const macs = { source: mac, destination: isAsked ? asker.source : allNodesMac };
  return writeDiscovery(macs, { source: target, destination }, message);
}

/** The link-local address that a device makes of its MAC (RFC 4291, appendix A). */
export function linkLocalOf(mac: string): string {
  const first = (Number.parseInt(mac.slice(0, 2), 16) ^ 2).toString(16).padStart(2, "0");
  return `fe80${"0".repeat(12)}${first}${mac.slice(2, 6)}fffe${mac.slice(6)}`;
}
