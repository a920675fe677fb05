/**
 * What the switch and the process behind a way out (slirp, in QEMU) know of each other, and where no router
 * leads. slirp takes every address of its own net for the host's loopback; so that net lies where nothing is
 * routed to, and is as small as can be.
 *
 * Tried with QEMU 7.2.22, libslirp 4.7: slirp takes packets of any sender, asks by ARP who has the sender's
 * address before it answers, and carries TCP, UDP and ICMP's echo. What it is asked for at 0.0.0.0,
 * 127.0.0.0/8, its own net or an address of the computer is answered by whoever listens on the computer.
 */
import { AddressSet } from "../filter/address-set.ts";

/** Of slirp, as its options say it, and as frames have it. */
export const exitNet = {
  net: "100.127.255.248/29",
  host: "100.127.255.249",
  dns: "100.127.255.250",
  dhcp: "100.127.255.251",
} as const;

/** slirp makes its MAC of its address. */
export const exitAddress = { mac: "5255647ffff9", routerMac: "02647ffffffe" } as const;

/** slirp's own, which no option changes (IF_MTU). */
export const exitMtuBytesMax = 1_500;

/**
 * RFC 6890: this network, shared address space (the net of the exits, and what hosts have of their own),
 * loopback, link-local, multicast and what is reserved, with the broadcast address. Of IPv6 likewise; what
 * begins with eight zeros is the computer's own, or an address of IPv4 in another form.
 */
const neverRouted = new AddressSet([
  ...["0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"],
  ...["::/8", "fe80::/10", "ff00::/8"],
]);

/** An address from which and to which packets are routed. */
export const isRoutable = (address: string): boolean => !neverRouted.has(address);

export const isOfIpv4 = (address: string): boolean => address.length === 8;

/** An address of one computer, no multicast or broadcast: senders are told only of such. */
export const isOfOne = (address: string): boolean =>
  isOfIpv4(address) ? address < "e0000000" : address < `ff${"0".repeat(30)}`;
