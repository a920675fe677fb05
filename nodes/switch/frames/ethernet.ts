/**
 * Ethernet frames, without preamble and checksum, as QEMU hands them over. Addresses are text: MACs of
 * twelve hexadecimal digits, IPv4 of eight and IPv6 of thirty-two, so that they are compared, sorted and used
 * as keys as they are. Reading must never throw, whatever the bytes are.
 */

export interface Frame {
  readonly destination: string;
  readonly source: string;
  readonly etherType: number;
  readonly bytes: Buffer;
}

export const etherTypes = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;
export const ethernetBytes = 14;
export const broadcastMac = "ffffffffffff";

/** Undefined: it is too short for a frame. */
export function readFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < ethernetBytes) return undefined;
  return {
    destination: bytes.toString("hex", 0, 6),
    source: bytes.toString("hex", 6, 12),
    etherType: bytes.readUInt16BE(12),
    bytes,
  };
}

export function writeFrame(
  { destination, source, etherType }: Omit<Frame, "bytes">,
  payload: Buffer,
): Buffer {
  const bytes = Buffer.alloc(ethernetBytes + payload.length);
  bytes.write(destination, 0, 6, "hex");
  bytes.write(source, 6, 6, "hex");
  bytes.writeUInt16BE(etherType, 12);
  bytes.set(payload, ethernetBytes);
  return bytes;
}

/** Of several devices: broadcast or multicast. */
export const isGroupMac = (mac: string): boolean => (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;

/** The digits of a MAC as the protocol has it. */
export const macDigits = (mac: string): string => mac.replaceAll(":", "").toLowerCase();
