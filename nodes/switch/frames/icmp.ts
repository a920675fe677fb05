/** What a router itself says by ICMP (RFC 792, RFC 1812, RFC 4443): answers to echoes, and errors. */
import { checksum } from "./checksum.ts";
import { ethernetBytes, etherTypes, type Frame, writeFrame } from "./ethernet.ts";
import { protocols } from "./flow.ts";
import { changeSum } from "./forward.ts";
import type { IpPacket } from "./ip.ts";
import { checksum6, type Ends, writePacket6 } from "./packet6.ts";

const icmpErrors = {
  noRoute: { type: 3, code: 0 },
  noHost: { type: 3, code: 1 },
  noProtocol: { type: 3, code: 2 },
  noPort: { type: 3, code: 3 },
  tooLarge: { type: 3, code: 4 },
  prohibited: { type: 3, code: 13 },
  expired: { type: 11, code: 0 },
} as const;
export type IcmpError = keyof typeof icmpErrors;

const icmpv6Errors: Readonly<Record<IcmpError, { readonly type: number; readonly code: number }>> = {
  noRoute: { type: 1, code: 0 },
  noHost: { type: 1, code: 3 },
  noProtocol: { type: 1, code: 1 },
  noPort: { type: 1, code: 4 },
  tooLarge: { type: 2, code: 0 },
  prohibited: { type: 1, code: 1 },
  expired: { type: 3, code: 0 },
};

/** By the version of IP. */
export const echoRequest = { 4: 8, 6: 128 } as const;
const echoAnswer = { 4: 0, 6: 129 } as const;
const timeToLive = 64;
/** RFC 1812, 4.3.2.3: as much of the packet as fits into 576 bytes; RFC 4443, 3.1: into 1,280. */
const quotedBytesMax = { 4: 576 - 20 - 8, 6: 1_280 - 40 - 8 } as const;

/** As the address that was asked; whether the question was damaged is seen from the answer, too. */
export function writeEchoAnswer({ bytes, source, destination }: Frame, packet: IpPacket): Buffer {
  const message = Buffer.from(bytes.subarray(packet.at, packet.end));
  const before = message.readUInt16BE(0);
  message[0] = echoAnswer[packet.version];
  changeSum(message, 2, before, message.readUInt16BE(0));
  const macs = { source: destination, destination: source };
  return written[packet.version](macs, { source: packet.destination, destination: packet.source }, message);
}

/** To the sender of the packet, from this address of the router. */
export function writeIcmpError(
  { bytes, source, destination }: Frame,
  packet: IpPacket,
  error: { readonly kind: IcmpError; readonly from: string; readonly mtuBytes?: number },
): Buffer {
  const { version } = packet;
  const quoted = bytes.subarray(ethernetBytes, Math.min(packet.end, ethernetBytes + quotedBytesMax[version]));
  const { type, code } = (version === 4 ? icmpErrors : icmpv6Errors)[error.kind];
  const head = Buffer.from([type, code, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(error.mtuBytes ?? 0, 4);
  const message = Buffer.concat([head, quoted]);
  const ends = { source: error.from, destination: packet.source };
  message.writeUInt16BE(version === 4 ? checksum(message) : checksum6(ends, message), 2);
  const macs = { source: destination, destination: source };
  return written[version](macs, ends, message);
}

const written = { 4: written4, 6: written6 } as const;

function written4(macs: Ends, { source, destination }: Ends, message: Buffer): Buffer {
  const ends = Buffer.from(`${source}${destination}`, "hex");
  const header = Buffer.from([0x45, 0, 0, 0, 0, 0, 0, 0, timeToLive, protocols.icmp, 0, 0, ...ends]);
  header.writeUInt16BE(header.length + message.length, 2);
  header.writeUInt16BE(checksum(header), 10);
  return writeFrame({ ...macs, etherType: etherTypes.ipv4 }, Buffer.concat([header, message]));
}

function written6(macs: Ends, ends: Ends, payload: Buffer): Buffer {
  return writePacket6(macs, ends, { protocol: protocols.icmpv6, hops: timeToLive, payload });
}
