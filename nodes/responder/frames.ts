/**
 * What a guest's frame is answered: DHCPv6, and the question for routers. The kernel has written into the
 * frame which port it comes from, so a guest can pretend nothing by what it writes; each answer goes to that
 * port's MAC address, and so to nobody else. Pure, and never throws by what a guest sends.
 */
import { advertisementOf, allNodes, isSolicitation, writeAdvertisement } from "../dhcp6/advertisement.ts";
import { answerBytes6, dhcp6Ports, dhcp6Servers, serverDuid } from "../dhcp6/answer.ts";
import { serviceMac } from "../switch/dhcp-frames.ts";
import { ethernetBytes, type Frame, readFrame } from "../switch/frames/ethernet.ts";
import { protocols, readFlow } from "../switch/frames/flow.ts";
import { type IpPacket, readIp } from "../switch/frames/ip.ts";
import { unspecified } from "../switch/frames/neighbour.ts";
import { writeDiscovery } from "../switch/frames/packet6.ts";
import { writeDatagram6 } from "../switch/frames/udp.ts";
import type { AnsweredGuest6 } from "./state.ts";

/** The same on each host: a guest that has moved has asked the right one. */
const server = serverDuid(serviceMac);
const udpBytes = 8;
const hopsAt = ethernetBytes + 7;

/** Undefined: there is no answer. */
export function answerToFrame(guest: AnsweredGuest6, bytes: Buffer): Buffer | undefined {
  const frame = readFrame(bytes);
  const packet = frame && readIp(frame);
  if (frame === undefined || packet?.version !== 6 || packet.fragment !== null) return undefined;
  if (packet.protocol === protocols.icmpv6) return asksForRouters(frame, packet) ? told(guest) : undefined;
  return packet.protocol === protocols.udp ? addressed(guest, frame, packet) : undefined;
}

const asksForRouters = ({ bytes }: Frame, { at, end, source }: IpPacket): boolean =>
  isSolicitation({
    message: bytes.subarray(at, end),
    ...{ hops: bytes[hopsAt] ?? 0, isNameless: source === unspecified },
  });

/** The frame that tells the guest its network; asked or not. */
export function told({ mac, sender, lease, isRouted }: AnsweredGuest6): Buffer {
  const message = writeAdvertisement(advertisementOf(lease, isRouted), sender.mac);
  const ends = { source: sender.address, destination: allNodes };
  // RFC 6085: for everybody on the link, in a frame for one of them.
  return writeDiscovery({ source: sender.mac, destination: mac }, ends, message);
}

/** Guests ask from an address of the link, whichever they have made (RFC 8415, 7.1). */
function addressed(
  { mac, sender, lease }: AnsweredGuest6,
  { bytes }: Frame,
  packet: IpPacket,
): Buffer | undefined {
  const { at, end, source, destination } = packet;
  const asked = readFlow(bytes, packet)?.flow;
  if (asked?.destinationPort !== dhcp6Ports.server || destination !== dhcp6Servers) return undefined;
  if (!/^fe[89ab]/.test(source)) return undefined;
  const payload = answerBytes6(bytes.subarray(at + udpBytes, end), lease, server);
  if (payload === undefined) return undefined;
  return writeDatagram6({
    ...{ destinationMac: mac, sourceMac: sender.mac, source: sender.address, destination: source },
    ...{ sourcePort: dhcp6Ports.server, destinationPort: dhcp6Ports.client, payload },
  });
}
