/**
 * What a guest is told of its network by a router's advertisement (RFC 4861, 4.2), as bytes of ICMPv6, and
 * the question that it is told it for. Addresses are the ledger's, so no guest makes one by itself: the range
 * is on the link, and none to take an address from. What a guest sends must never make anything here throw.
 */
import type { Lease6 } from "./lease.ts";

export interface Advertisement {
  /** Seconds for which the sender leads on; 0: it is no router for the guest. */
  readonly routerSeconds: number;
  /** Whether guests ask DHCPv6 for addresses, and for the rest. */
  readonly managed: boolean;
  readonly other: boolean;
  readonly mtuBytes: number;
  /** First address in digits. */
  readonly range: string;
  readonly prefix: number;
  readonly dnsServers: readonly string[];
}

/** RFC 4861, 6.2.1: at most. Guests ask no more once they have heard, so all are told again before. */
const leadSeconds = 9_000;
/** For how long the range is on the link. */
const rangeSeconds = 86_400;
/** RFC 4861, 6.2.1: told unasked, at least so often. */
export const advertisePeriodSeconds = 600;

/** ff02::1, and ff02::2. */
export const allNodes = `ff02${"0".repeat(27)}1`;
export const allRouters = `ff02${"0".repeat(27)}2`;

const types = { solicitation: 133, advertisement: 134 } as const;
/** Options (RFC 4861, 4.6; servers of names: RFC 8106, 5.1). */
const options = { sourceMac: 1, range: 3, mtu: 5, dnsServers: 25 } as const;
const flags = { managed: 0x80, other: 0x40 } as const;
const onLink = 0x80;
/** The hop limit of packets that guests send (RFC 4861, 4.2). */
const hops = 64;

/** `isRouted`: a router of ours has the gateway's address, and says it itself. */
export const advertisementOf = (lease: Lease6, isRouted: boolean): Advertisement => ({
  routerSeconds: isRouted ? leadSeconds : 0,
  managed: true,
  other: false,
  mtuBytes: lease.mtuBytes,
  range: lease.range,
  prefix: lease.prefix,
  dnsServers: lease.dnsServers,
});

/** The message without its sum, which the bytes 2 and 3 are for. `mac`: the sender's. */
export function writeAdvertisement(said: Advertisement, mac: string): Buffer {
  const head = Buffer.alloc(16);
  head[0] = types.advertisement;
  head[4] = hops;
  head[5] = (said.managed ? flags.managed : 0) | (said.other ? flags.other : 0);
  head.writeUInt16BE(said.routerSeconds, 6);
  return Buffer.concat([head, macOption(mac), mtuOption(said), rangeOption(said), ...dnsOption(said)]);
}

const macOption = (mac: string): Buffer => Buffer.from(`0${options.sourceMac}01${mac}`, "hex");

function mtuOption({ mtuBytes }: Advertisement): Buffer {
  const option = Buffer.from([options.mtu, 1, 0, 0, 0, 0, 0, 0]);
  option.writeUInt32BE(mtuBytes, 4);
  return option;
}

/** Guests make no addresses of it: the flag for that is 0 (RFC 4861, 4.6.2). */
function rangeOption({ range, prefix }: Advertisement): Buffer {
  const option = Buffer.alloc(32);
  option.set([options.range, 4, prefix, onLink]);
  option.writeUInt32BE(rangeSeconds, 4);
  option.writeUInt32BE(rangeSeconds, 8);
  option.write(range, 16, 16, "hex");
  return option;
}

function dnsOption({ dnsServers }: Advertisement): readonly Buffer[] {
  if (dnsServers.length === 0) return [];
  const option = Buffer.alloc(8);
  option.set([options.dnsServers, 1 + 2 * dnsServers.length]);
  option.writeUInt32BE(leadSeconds, 4);
  return [option, Buffer.from(dnsServers.join(""), "hex")];
}

export interface Solicitation {
  /** The message of ICMPv6. */
  readonly message: Buffer;
  readonly hops: number;
  /** Whether the sender has said no address (`::`). */
  readonly isNameless: boolean;
}

/**
 * Whether a guest asks for routers, as RFC 4861, 6.1.1 has it. Sums are not looked at: a frame that was
 * damaged on its way from a guest's memory is answered to that guest at worst.
 */
export function isSolicitation({ message, hops: left, isNameless }: Solicitation): boolean {
  if (message.length < 8 || message[0] !== types.solicitation || message[1] !== 0 || left !== 255)
    return false;
  for (let at = 8; at < message.length; ) {
    const bytes = 8 * (message[at + 1] ?? 0);
    if (bytes === 0 || at + bytes > message.length) return false;
    if (isNameless && message[at] === options.sourceMac) return false;
    at += bytes;
  }
  return true;
}
