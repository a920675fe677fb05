/**
 * Headers of IPv4 (RFC 791) and IPv6 (RFC 8200), up to the protocol that they carry. Whatever two readers
 * might take for different things is refused: lengths that do not fit, headers that never end, and source
 * routes, by which a packet's destination is another one than it says.
 */
import { ethernetBytes, etherTypes, type Frame } from "./ethernet.ts";

export interface IpPacket {
  readonly version: 4 | 6;
  readonly source: string;
  readonly destination: string;
  /** IANA's number of what is carried. */
  readonly protocol: number;
  /** Null: the packet is whole. */
  readonly fragment: Fragment | null;
  /** Where in the frame the payload begins, and where it ends. */
  readonly at: number;
  readonly end: number;
}

interface Fragment {
  /** The same of all fragments of a packet. */
  readonly id: string;
  /** Where in the packet's payload it belongs. */
  readonly offsetBytes: number;
  readonly more: boolean;
}

const packetBytesMax = 65_535;
/** As many as a packet may have of those below, each once, and a few to spare. */
const extensionsMax = 6;
const extensions = { hopByHop: 0, routing: 43, fragment: 44, destination: 60 } as const;

/** Undefined: it is no packet. */
export function readIp(frame: Frame): IpPacket | undefined {
  if (frame.etherType === etherTypes.ipv4) return readIpv4(frame.bytes, ethernetBytes);
  if (frame.etherType === etherTypes.ipv6) return readIpv6(frame.bytes, ethernetBytes);
  return undefined;
}

/** `cut`: the packet may end early, as one that an error of ICMP quotes. */
export function readIpv4(bytes: Buffer, start: number, cut = false): IpPacket | undefined {
  if (bytes.length < start + 20) return undefined;
  const first = bytes[start] ?? 0;
  const headerBytes = (first & 15) * 4;
  const totalBytes = bytes.readUInt16BE(start + 2);
  const endsEarly = start + totalBytes > bytes.length;
  if (first >> 4 !== 4 || headerBytes < 20 || totalBytes < headerBytes || (endsEarly && !cut))
    return undefined;
  const end = endsEarly ? bytes.length : start + totalBytes;
  if (start + headerBytes > end || hasSourceRoute(bytes, start + 20, start + headerBytes)) return undefined;
  const flags = bytes.readUInt16BE(start + 6);
  const [offsetBytes, more] = [(flags & 0x1fff) * 8, (flags & 0x2000) !== 0];
  if (offsetBytes + totalBytes - headerBytes > packetBytesMax) return undefined;
  const isWhole = offsetBytes === 0 && !more;
  return {
    version: 4,
    source: bytes.toString("hex", start + 12, start + 16),
    destination: bytes.toString("hex", start + 16, start + 20),
    protocol: bytes[start + 9] ?? 0,
    fragment: isWhole ? null : { id: bytes.toString("hex", start + 4, start + 6), offsetBytes, more },
    at: start + headerBytes,
    end,
  };
}

/** Options of IPv4 that lead a packet elsewhere, loosely and strictly. */
const sourceRoutes = [131, 137];

/** True also for options that go beyond the header's end. */
function hasSourceRoute(bytes: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; ) {
    const option = bytes[at] ?? 0;
    if (option === 0) return false;
    // Padding has no length.
    const length = option === 1 ? 1 : at + 1 < end ? (bytes[at + 1] ?? 0) : 0;
    const isFit = length >= (option === 1 ? 1 : 2) && at + length <= end;
    if (!isFit || sourceRoutes.includes(option)) return true;
    at += length;
  }
  return false;
}

export function readIpv6(bytes: Buffer, start: number, cut = false): IpPacket | undefined {
  if (bytes.length < start + 40 || (bytes[start] ?? 0) >> 4 !== 6) return undefined;
  const last = start + 40 + bytes.readUInt16BE(start + 4);
  if (last > bytes.length && !cut) return undefined;
  const end = Math.min(last, bytes.length);
  const carried = readExtensions(bytes, { at: start + 40, end, next: bytes[start + 6] ?? 0 });
  if (carried === undefined) return undefined;
  return {
    version: 6,
    source: bytes.toString("hex", start + 8, start + 24),
    destination: bytes.toString("hex", start + 24, start + 40),
    ...carried,
    end,
  };
}

type Carried = Pick<IpPacket, "protocol" | "fragment" | "at">;

/** Walks over the headers between IPv6's own and the payload; undefined: one of them is none that passes. */
function readExtensions(
  bytes: Buffer,
  from: { readonly at: number; readonly end: number; readonly next: number },
): Carried | undefined {
  const { end } = from;
  let { at, next } = from;
  let fragment: Fragment | null = null;
  let wasFragment = false;
  for (let count = 0; count <= extensionsMax; count += 1) {
    const isOptions = next === extensions.hopByHop || next === extensions.destination;
    if (next === extensions.routing) return undefined;
    // Behind them the header that is judged would be where a later fragment may put another one.
    if (isOptions && fragment !== null) return undefined;
    if (!isOptions && next !== extensions.fragment) return { protocol: next, fragment, at };
    if (at + 8 > end) return undefined;
    const following = bytes[at] ?? 0;
    if (next === extensions.fragment) {
      if (wasFragment) return undefined;
      wasFragment = true;
      fragment = fragmentAt(bytes, at);
      // Behind a later fragment's header is the middle of the payload, and no header.
      if (fragment !== null && fragment.offsetBytes > 0)
        return fragment.offsetBytes + end - at - 8 > packetBytesMax
          ? undefined
          : { protocol: following, fragment, at: at + 8 };
    }
    at += isOptions ? 8 * ((bytes[at + 1] ?? 0) + 1) : 8;
    if (at > end) return undefined;
    next = following;
  }
  return undefined;
}

/** Null: a packet of one fragment is a whole one (RFC 6946). */
function fragmentAt(bytes: Buffer, at: number): Fragment | null {
  const field = bytes.readUInt16BE(at + 2);
  const [offsetBytes, more] = [field & 0xfff8, (field & 1) === 1];
  return offsetBytes === 0 && !more ? null : { id: bytes.toString("hex", at + 4, at + 8), offsetBytes, more };
}
