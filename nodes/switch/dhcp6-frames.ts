/**
 * DHCPv6 and routers' advertisements in frames: what a guest asks is taken out of its frame, and the answer
 * put into one that goes back to the same port, whatever addresses the question has. Nobody else ever sees
 * either. Who leads on speaks for itself: a guest sends what is for others to the sender of an advertisement.
 */
import { advertisementOf, allNodes, isSolicitation, writeAdvertisement } from "../dhcp6/advertisement.ts";
import { answerBytes6, dhcp6Ports, serverDuid } from "../dhcp6/answer.ts";
import type { Lease6 } from "../dhcp6/lease.ts";
import { serviceMac } from "./dhcp-frames.ts";
import { ethernetBytes, type Frame } from "./frames/ethernet.ts";
import type { IpPacket } from "./frames/ip.ts";
import { allNodesMac, linkLocalOf, unspecified } from "./frames/neighbour.ts";
import { writeDiscovery } from "./frames/packet6.ts";
import { writeDatagram6 } from "./frames/udp.ts";
import type { PlannedPort } from "./planned.ts";

const serviceLinkLocal = linkLocalOf(serviceMac);
/** All switches have one name: a guest that has moved asks the server that it knows. */
const duid = serverDuid(serviceMac);
const udpBytes = 8;

/** Undefined: there is no answer. */
export function dhcp6Answer({ lease6 }: PlannedPort, frame: Frame, packet: IpPacket): Buffer | undefined {
  const { source, fragment, at, end } = packet;
  if (fragment !== null || lease6 === undefined || source === unspecified) return undefined;
  const payload = answerBytes6(frame.bytes.subarray(at + udpBytes, end), lease6, duid);
  if (payload === undefined) return undefined;
  return writeDatagram6({
    ...{ source: serviceLinkLocal, sourceMac: serviceMac, sourcePort: dhcp6Ports.server },
    ...{ destination: source, destinationMac: frame.source, destinationPort: dhcp6Ports.client, payload },
  });
}

/** Undefined: it is no question for routers, or nobody tells the port anything. */
export function solicitedAnswer(
  { lease6, network }: PlannedPort,
  frame: Frame,
  { source, fragment, at, end }: IpPacket,
): Buffer | undefined {
  const isNameless = source === unspecified;
  const message = frame.bytes.subarray(at, end);
  const hops = frame.bytes[ethernetBytes + 7] ?? 0;
  if (lease6 === undefined || fragment !== null || !isSolicitation({ message, hops, isNameless }))
    return undefined;
  const speaker = speakerOf(lease6, network);
  return advertised(speaker, lease6, isNameless ? everybody : { address: source, mac: frame.source });
}

export interface Speaker {
  readonly mac: string;
  /** Whether it leads on. */
  readonly isRouter: boolean;
}

/** The router that has the gateway's address; where none has, the switch, which leads nowhere. */
export function speakerOf({ gateway }: Lease6, { gatesByAddress }: PlannedPort["network"]): Speaker {
  const gate = gatesByAddress.get(gateway ?? "");
  return { mac: gate?.mac ?? serviceMac, isRouter: gate !== undefined };
}

interface Hearer {
  readonly address: string;
  readonly mac: string;
}

/** On the side of the one port that the frame goes to. */
export const everybody: Hearer = { address: allNodes, mac: allNodesMac };

export function advertised({ mac, isRouter }: Speaker, lease6: Lease6, to: Hearer): Buffer {
  const ends = { source: linkLocalOf(mac), destination: to.address };
  const message = writeAdvertisement(advertisementOf(lease6, isRouter), mac);
  return writeDiscovery({ source: mac, destination: to.mac }, ends, message);
}
