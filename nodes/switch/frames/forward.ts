/**
 * A packet on its way from one link to the next (RFC 1812, 5.3; RFC 8200): other MACs, less time to live, and
 * of IPv4 fragments where the next link's packets are smaller. What arrives is never overwritten.
 */
import { checksum } from "./checksum.ts";
import { ethernetBytes } from "./ethernet.ts";
import type { IpPacket } from "./ip.ts";

const headerBytes = 20;
/** Where in a frame the fields of IPv4's header are; IPv6 has one of them, and no sum. */
const fields = { length: 16, fragment: 20, timeToLive: 22, checksum: 24, source: 26 } as const;
const hopLimit = 21;
const dontFragment = 0x4000;
const moreFragments = 0x2000;

/** Number of routers that the packet may still pass; the last of them does not send it on. */
export const timeToLiveOf = (bytes: Buffer, { version }: Pick<IpPacket, "version">): number =>
  bytes[version === 4 ? fields.timeToLive : hopLimit] ?? 0;

/** Routers must not send on what was damaged on its way. IPv6 leaves that to what is carried. */
export const hasRightHeader = (bytes: Buffer, { at, version }: IpPacket): boolean =>
  version === 6 || checksum(bytes.subarray(ethernetBytes, at)) === 0;

const bytesOf = ({ end }: IpPacket): number => end - ethernetBytes;

export interface Link {
  readonly sourceMac: string;
  readonly destinationMac: string;
  readonly mtuBytes: number;
  /** Number of routers that it has passed. */
  readonly hops: number;
}

/** Undefined: it is too large for the link, and must not be divided. */
export function forwarded(bytes: Buffer, packet: IpPacket, link: Link): readonly Buffer[] | undefined {
  const frame = Buffer.from(bytes.subarray(0, packet.end));
  frame.write(link.destinationMac, 0, 6, "hex");
  frame.write(link.sourceMac, 6, 6, "hex");
  if (packet.version === 6) {
    frame[hopLimit] = timeToLiveOf(bytes, packet) - link.hops;
    return bytesOf(packet) <= link.mtuBytes ? [frame] : undefined;
  }
  const before = frame.readUInt16BE(fields.timeToLive);
  frame[fields.timeToLive] = timeToLiveOf(bytes, packet) - link.hops;
  changeSum(frame, fields.checksum, before, frame.readUInt16BE(fields.timeToLive));
  if (bytesOf(packet) <= link.mtuBytes) return [frame];
  const isWhole = (frame.readUInt16BE(fields.fragment) & dontFragment) !== 0;
  // Options would have to be read one by one: some belong to the first fragment only.
  return isWhole || packet.at > ethernetBytes + headerBytes ? undefined : divided(frame, link.mtuBytes);
}

/** RFC 1624: the sum at that place, when two bytes that it covers have become others. */
export function changeSum(bytes: Buffer, at: number, before: number, after: number): void {
  let sum = (~bytes.readUInt16BE(at) & 0xffff) + (~before & 0xffff) + after;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  bytes.writeUInt16BE(~sum & 0xffff, at);
}

/** A copy that says another sender. */
export function withSource(bytes: Buffer, { at }: IpPacket, source: string): Buffer {
  const copy = Buffer.from(bytes);
  copy.write(source, fields.source, 4, "hex");
  copy.writeUInt16BE(0, fields.checksum);
  copy.writeUInt16BE(checksum(copy.subarray(ethernetBytes, at)), fields.checksum);
  return copy;
}

/** Fragments begin at multiples of eight bytes. */
function divided(frame: Buffer, mtuBytes: number): readonly Buffer[] {
  const head = frame.subarray(0, ethernetBytes + headerBytes);
  const payload = frame.subarray(head.length);
  const flags = frame.readUInt16BE(fields.fragment);
  const step = (mtuBytes - headerBytes) & ~7;
  const frames: Buffer[] = [];
  for (let from = 0; from < payload.length; from += step) {
    const part = payload.subarray(from, from + step);
    const isLast = from + step >= payload.length;
    const fragment = Buffer.concat([head, part]);
    fragment.writeUInt16BE(headerBytes + part.length, fields.length);
    fragment.writeUInt16BE((flags + from / 8) | (isLast ? 0 : moreFragments), fields.fragment);
    fragment.writeUInt16BE(0, fields.checksum);
    fragment.writeUInt16BE(checksum(fragment.subarray(ethernetBytes, head.length)), fields.checksum);
    frames.push(fragment);
  }
  return frames;
}
