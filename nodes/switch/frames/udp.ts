/** UDP over IPv4 and IPv6 in a frame, as the switch itself sends it. */
import { checksum } from "./checksum.ts";
import { etherTypes, writeFrame } from "./ethernet.ts";
import { protocols } from "./flow.ts";
import { checksum6, writePacket6 } from "./packet6.ts";

export interface Datagram {
  readonly destinationMac: string;
  readonly sourceMac: string;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Buffer;
}

export function writeDatagram(datagram: Datagram): Buffer {
  const { destinationMac, sourceMac, source, destination, sourcePort, destinationPort, payload } = datagram;
  const ends = Buffer.from(`${source}${destination}`, "hex");
  const header = Buffer.from([0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocols.udp, 0, 0, ...ends]);
  header.writeUInt16BE(28 + payload.length, 2);
  header.writeUInt16BE(checksum(header), 10);
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(sourcePort, 0);
  udp.writeUInt16BE(destinationPort, 2);
  udp.writeUInt16BE(8 + payload.length, 4);
  const rest = Buffer.from([0, protocols.udp, ...udp.subarray(4, 6)]);
  // 0 would say that there is no sum.
  udp.writeUInt16BE(checksum(ends, rest, udp, payload) || 0xffff, 6);
  return writeFrame(
    { destination: destinationMac, source: sourceMac, etherType: etherTypes.ipv4 },
    Buffer.concat([header, udp, payload]),
  );
}

/** The same over IPv6, in which a sum has to be (RFC 8200, 8.1). */
export function writeDatagram6(datagram: Datagram): Buffer {
  const { destinationMac, sourceMac, sourcePort, destinationPort, payload, ...ends } = datagram;
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(sourcePort, 0);
  udp.writeUInt16BE(destinationPort, 2);
  udp.writeUInt16BE(8 + payload.length, 4);
  const message = Buffer.concat([udp, payload]);
  message.writeUInt16BE(checksum6(ends, message, protocols.udp) || 0xffff, 6);
  const macs = { source: sourceMac, destination: destinationMac };
  return writePacket6(macs, ends, { protocol: protocols.udp, hops: 64, payload: message });
}
