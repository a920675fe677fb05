/**
 * Segments of TCP over IPv4 (RFC 9293) in frames, as the switch itself reads and sends them. Reading must
 * never throw, whatever the bytes are. Checksums of what guests send are not looked at: no wire could have
 * changed a bit, and guests leave them to the hardware that they think is there.
 */
import { checksum } from "./checksum.ts";
import { etherTypes, writeFrame } from "./ethernet.ts";
import { protocols } from "./flow.ts";
import type { IpPacket } from "./ip.ts";

export interface Segment {
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  readonly window: number;
  /** Of the option; undefined: the segment has none. */
  readonly segmentBytesMax: number | undefined;
  readonly payload: Buffer;
}

const options = { end: 0, nothing: 1, segmentBytesMax: 2 } as const;
const headerBytes = 20;

/** The packet's header has been read by readFlow, which refuses one that does not fit. */
export function readSegment(bytes: Buffer, { at, end }: IpPacket): Segment {
  const payloadAt = at + ((bytes[at + 12] ?? 0) >> 4) * 4;
  return {
    sequence: bytes.readUInt32BE(at + 4),
    acknowledgment: bytes.readUInt32BE(at + 8),
    flags: bytes[at + 13] ?? 0,
    window: bytes.readUInt16BE(at + 14),
    segmentBytesMax: readSegmentBytesMax(bytes.subarray(at + headerBytes, payloadAt)),
    payload: bytes.subarray(payloadAt, end),
  };
}

function readSegmentBytesMax(bytes: Buffer): number | undefined {
  for (let at = 0; at < bytes.length; ) {
    const option = bytes[at];
    if (option === options.end) return undefined;
    const length = option === options.nothing ? 1 : (bytes[at + 1] ?? 0);
    if (option === options.segmentBytesMax)
      return length === 4 && at + 4 <= bytes.length ? bytes.readUInt16BE(at + 2) : undefined;
    if (option !== options.nothing && length < 2) return undefined;
    at += length;
  }
  return undefined;
}

/** Two ends, seen from the switch. */
export interface SegmentEnds {
  readonly destinationMac: string;
  readonly sourceMac: string;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export function writeSegment(ends: SegmentEnds, segment: Segment): Buffer {
  const { destinationMac, sourceMac, source, destination, sourcePort, destinationPort } = ends;
  const { sequence, acknowledgment, flags, window, segmentBytesMax, payload } = segment;
  const tcp = Buffer.alloc(segmentBytesMax === undefined ? headerBytes : headerBytes + 4);
  tcp.writeUInt16BE(sourcePort, 0);
  tcp.writeUInt16BE(destinationPort, 2);
  tcp.writeUInt32BE(sequence, 4);
  tcp.writeUInt32BE(acknowledgment, 8);
  tcp[12] = (tcp.length / 4) << 4;
  tcp[13] = flags;
  tcp.writeUInt16BE(window, 14);
  if (segmentBytesMax !== undefined) {
    tcp.set([options.segmentBytesMax, 4], headerBytes);
    tcp.writeUInt16BE(segmentBytesMax, headerBytes + 2);
  }
  const addresses = Buffer.from(`${source}${destination}`, "hex");
  const rest = Buffer.from([0, protocols.tcp, 0, 0]);
  rest.writeUInt16BE(tcp.length + payload.length, 2);
  tcp.writeUInt16BE(checksum(addresses, rest, tcp, payload), 16);
  // Never in fragments.
  const ip = Buffer.from([0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocols.tcp, 0, 0, ...addresses]);
  ip.writeUInt16BE(20 + tcp.length + payload.length, 2);
  ip.writeUInt16BE(checksum(ip), 10);
  return writeFrame(
    { destination: destinationMac, source: sourceMac, etherType: etherTypes.ipv4 },
    Buffer.concat([ip, tcp, payload]),
  );
}
