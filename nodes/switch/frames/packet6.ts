/** Packets of IPv6 (RFC 8200) in a frame, as the switch itself sends them, and the sum that they carry. */
import { checksum } from "./checksum.ts";
import { etherTypes, writeFrame } from "./ethernet.ts";
import { protocols } from "./flow.ts";

/** Of a frame the MACs, of a packet the addresses, in digits. */
export interface Ends {
  readonly source: string;
  readonly destination: string;
}

/** What is dropped where fewer are left has been sent on this link (RFC 4861, 7.1.1). */
export const discoveryHops = 255;

export function writePacket6(
  macs: Ends,
  { source, destination }: Ends,
  carried: { readonly protocol: number; readonly hops: number; readonly payload: Buffer },
): Buffer {
  const { protocol, hops, payload } = carried;
  const header = Buffer.from([0x60, 0, 0, 0, 0, 0, protocol, hops]);
  header.writeUInt16BE(payload.length, 4);
  const ends = Buffer.from(`${source}${destination}`, "hex");
  return writeFrame({ ...macs, etherType: etherTypes.ipv6 }, Buffer.concat([header, ends, payload]));
}

/** Of the message and of what else the sum of IPv6's protocols covers (RFC 8200, 8.1). */
export function checksum6(
  { source, destination }: Ends,
  message: Buffer,
  protocol: number = protocols.icmpv6,
): number {
  const rest = Buffer.from([0, 0, 0, 0, 0, 0, 0, protocol]);
  rest.writeUInt32BE(message.length, 0);
  return checksum(Buffer.from(`${source}${destination}`, "hex"), rest, message);
}

/** A message of neighbour discovery, whose sum is written into it. */
export function writeDiscovery(macs: Ends, ends: Ends, message: Buffer): Buffer {
  message.writeUInt16BE(0, 2);
  message.writeUInt16BE(checksum6(ends, message), 2);
  return writePacket6(macs, ends, { protocol: protocols.icmpv6, hops: discoveryHops, payload: message });
}
