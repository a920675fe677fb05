/** What of a packet is judged, out of a frame that may be anything. Pure. */
import type { Frame } from "../frames/ethernet.ts";
import { type Carried, protocols, readFlow } from "../frames/flow.ts";
import { type IpPacket, readIp } from "../frames/ip.ts";

export interface JudgedPacket {
  readonly packet: IpPacket;
  /** Undefined: a fragment that is not the first. */
  readonly carried: Carried | undefined;
}

/** A word: why it cannot be judged. */
export function readPacket(frame: Frame): JudgedPacket | "malformed" | "fragment" {
  const packet = readIp(frame);
  if (packet === undefined) return "malformed";
  const isFirst = (packet.fragment?.offsetBytes ?? 0) === 0;
  const carried = isFirst ? readFlow(frame.bytes, packet) : undefined;
  if (isFirst && carried === undefined) return "malformed";
  return overwritesHeader(packet) ? "fragment" : { packet, carried };
}

/** Bytes that the first fragment was judged by, of those whose header is longer than any fragment's step. */
const judgedBytes = new Map<number, number>([
  [protocols.tcp, 24],
  [protocols.sctp, 16],
]);

/** A fragment that replaces a part of the header that was judged with the first (RFC 3128). */
const overwritesHeader = ({ protocol, fragment }: IpPacket): boolean =>
  fragment !== null && fragment.offsetBytes > 0 && fragment.offsetBytes < (judgedBytes.get(protocol) ?? 8);
