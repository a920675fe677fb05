/** What a router itself says by ICMP (RFC 792, RFC 1812): the answer to an echo, and errors about packets. */
import { checksum } from "./checksum.ts";
import { ethernetBytes, etherTypes, type Frame, writeFrame } from "./ethernet.ts";
import { protocols } from "./flow.ts";
import { changeSum } from "./forward.ts";
import type { IpPacket } from "./ip.ts";

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

export const echoRequest = 8;
const timeToLive = 64;
/** RFC 1812, 4.3.2.3: as much of the packet as fits into 576 bytes. */
const quotedBytesMax = 576 - 20 - 8;

interface Ends {
  readonly source: string;
  readonly destination: string;
}

/** As the address that was asked; whether the question was damaged is seen from the answer, too. */
export function writeEchoAnswer({ bytes, source, destination }: Frame, packet: IpPacket): Buffer {
  const message = Buffer.from(bytes.subarray(packet.at, packet.end));
  const before = message.readUInt16BE(0);
  message[0] = 0;
  changeSum(message, 2, before, message.readUInt16BE(0));
  const macs = { source: destination, destination: source };
  return written(macs, { source: packet.destination, destination: packet.source }, message);
}

/** To the sender of the packet, from this address of the router. */
export function writeIcmpError(
  { bytes, source, destination }: Frame,
  packet: IpPacket,
  error: { readonly kind: IcmpError; readonly from: string; readonly mtuBytes?: number },
): Buffer {
  const quoted = bytes.subarray(ethernetBytes, Math.min(packet.end, ethernetBytes + quotedBytesMax));
  const { type, code } = icmpErrors[error.kind];
  const head = Buffer.from([type, code, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(error.mtuBytes ?? 0, 6);
  const message = Buffer.concat([head, quoted]);
  message.writeUInt16BE(checksum(message), 2);
  const macs = { source: destination, destination: source };
  return written(macs, { source: error.from, destination: packet.source }, message);
}

function written(macs: Ends, { source, destination }: Ends, message: Buffer): Buffer {
  const ends = Buffer.from(`${source}${destination}`, "hex");
  const header = Buffer.from([0x45, 0, 0, 0, 0, 0, 0, 0, timeToLive, protocols.icmp, 0, 0, ...ends]);
  header.writeUInt16BE(header.length + message.length, 2);
  header.writeUInt16BE(checksum(header), 10);
  return writeFrame({ ...macs, etherType: etherTypes.ipv4 }, Buffer.concat([header, message]));
}
