/**
 * VXLAN (RFC 7348): an Ethernet frame behind eight bytes, which have the number of its network, in a UDP
 * datagram. Reading must never throw, whatever the bytes are.
 */

/** IANA's. Every host has the same. */
export const vxlanPort = 4_789;
const vxlanBytes = 8;

/** The flag that says that there is a number; all others are to be ignored. */
const hasNumber = 0x08;
const numberAt = 4;

/** Undefined: it is none, or of no network. */
export function readVxlan(bytes: Buffer): { readonly number: number; readonly frame: Buffer } | undefined {
  if (bytes.length < vxlanBytes || ((bytes[0] ?? 0) & hasNumber) === 0) return undefined;
  return { number: bytes.readUIntBE(numberAt, 3), frame: bytes.subarray(vxlanBytes) };
}

/** A copy: the frame's bytes may be overwritten meanwhile. */
export function writeVxlan(number: number, frame: Buffer): Buffer {
  const bytes = Buffer.alloc(vxlanBytes + frame.length);
  bytes[0] = hasNumber;
  bytes.writeUIntBE(number, numberAt, 3);
  bytes.set(frame, vxlanBytes);
  return bytes;
}
