/**
 * Addresses and ranges of IPv4 and IPv6 as numbers, and the one text of each in which they are kept and
 * compared. Pure.
 */
import ipaddr from "ipaddr.js";

export type IpVersion = 4 | 6;

export interface Address {
  readonly version: IpVersion;
  readonly value: bigint;
}

/** Addresses from `first` to `last`, both of them included. */
export interface Range {
  readonly version: IpVersion;
  readonly first: bigint;
  readonly last: bigint;
}

export interface Cidr extends Range {
  /** Number of leading bits that all of its addresses have in common. */
  readonly prefix: number;
}

const bitsOf = (version: IpVersion): number => (version === 4 ? 32 : 128);

/**
 * The address, in whatever form it is written; undefined: it is none. IPv4 with fewer than four numbers, with
 * leading zeros or in other bases is none, for readers differ about it; so is IPv6 with a zone.
 */
export function addressOf(text: string): Address | undefined {
  if (/^[0-9.]+$/.test(text)) {
    const value = quad.test(text) ? fourOf(text.split(".").map(Number)) : undefined;
    return value === undefined ? undefined : { version: 4, value };
  }
  if (text.includes("%") || !ipaddr.IPv6.isValid(text)) return undefined;
  return { version: 6, value: numberOf(ipaddr.IPv6.parse(text).toByteArray()) };
}

/** Lower case; IPv6 as RFC 5952 has it. */
export function addressText({ version, value }: Address): string {
  if (version === 4) return quadOf(Number(value));
  const parsed = ipaddr.fromByteArray(bytesOf(version, value));
  return parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString();
}

/** Undefined: it is no range, or has bits behind its prefix. */
export function cidrOf(text: string): Cidr | undefined {
  const [head = "", tail = ""] = text.split("/");
  const address = addressOf(head);
  const prefix = Number(tail);
  if (address === undefined || !/^[0-9]{1,3}$/.test(tail) || prefix > bitsOf(address.version))
    return undefined;
  const size = 1n << BigInt(bitsOf(address.version) - prefix);
  if (address.value % size !== 0n) return undefined;
  return { version: address.version, first: address.value, last: address.value + size - 1n, prefix };
}

export const cidrText = ({ version, first, prefix }: Cidr): string =>
  `${addressText({ version, value: first })}/${prefix}`;

export const contains = (range: Range, { version, value }: Address): boolean =>
  version === range.version && value >= range.first && value <= range.last;

export const overlap = (one: Range, other: Range): boolean =>
  one.version === other.version && one.first <= other.last && other.first <= one.last;

/** The addresses that ports and gateways of a subnet may have: without network and broadcast address. */
export function usable({ version, first, last, prefix }: Cidr): Range {
  // RFC 3021: a /31 has no broadcast address; a /32 is one address.
  if (prefix >= bitsOf(version) - 1) return { version, first, last };
  // IPv6 has no broadcast; its first address is the subnet's routers' (RFC 4291, 2.6.1).
  return { version, first: first + 1n, last: version === 4 ? last - 1n : last };
}

// A large host's picture has tens of thousands of addresses: those of IPv4 are read and written without help.
const quad = /^(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}$/;

const fourOf = (bytes: readonly number[]): bigint | undefined =>
  bytes.every((byte) => byte < 256)
    ? BigInt(bytes.reduce((value, byte) => value * 256 + byte, 0))
    : undefined;

const quadOf = (value: number): string =>
  `${(value >>> 24) & 255}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;

const numberOf = (bytes: readonly number[]): bigint =>
  BigInt(`0x${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`);

const bytesOf = (version: IpVersion, value: bigint): number[] =>
  (
    value
      .toString(16)
      .padStart(bitsOf(version) / 4, "0")
      .match(/../g) ?? []
  ).map((two) => Number(`0x${two}`));
