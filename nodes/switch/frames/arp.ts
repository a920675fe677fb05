/** ARP between IPv4 and Ethernet (RFC 826): who has an address, and the answer. */
import { ethernetBytes, etherTypes, type Frame, writeFrame } from "./ethernet.ts";

export interface Arp {
  readonly request: boolean;
  readonly senderMac: string;
  /** `nowhere`: a probe, which asks whether anybody has the address (RFC 5227). */
  readonly senderAddress: string;
  readonly targetAddress: string;
}

/** 0.0.0.0. */
export const nowhere = "00000000";

const arpBytes = 28;
/** Ethernet, IPv4, and how long the addresses of both are. */
const head = "000108000604";

/** Undefined: it is no question or answer of IPv4. */
export function readArp({ bytes }: Frame): Arp | undefined {
  if (bytes.length < ethernetBytes + arpBytes) return undefined;
  if (bytes.toString("hex", 14, 20) !== head) return undefined;
  const operation = bytes.readUInt16BE(20);
  if (operation !== 1 && operation !== 2) return undefined;
  return {
    request: operation === 1,
    senderMac: bytes.toString("hex", 22, 28),
    senderAddress: bytes.toString("hex", 28, 32),
    targetAddress: bytes.toString("hex", 38, 42),
  };
}

/** The frame that tells the asker that the MAC has the address. */
export function writeArpAnswer(asked: Arp, mac: string): Buffer {
  const { senderMac, senderAddress, targetAddress } = asked;
  const payload = Buffer.from(`${head}0002${mac}${targetAddress}${senderMac}${senderAddress}`, "hex");
  return writeFrame({ destination: senderMac, source: mac, etherType: etherTypes.arp }, payload);
}
