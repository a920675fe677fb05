/**
 * What the ranges of a subnet may be: its own range, its gateway, its pools and what its ports are told. Each
 * is checked where it is said, and kept in one form. Pure.
 */
import {
  type Address,
  addressOf,
  addressText,
  type Cidr,
  cidrOf,
  cidrText,
  contains,
  overlap,
  type Range,
  usable,
} from "../../../../protocol/address.ts";
import type { Subnet } from "../../../../protocol/network.ts";
import { faulty } from "../../../../protocol/wire/denials.ts";

export type SubnetRanges = Pick<Subnet, "cidr" | "gateway" | "pools" | "dnsServers" | "hostRoutes">;

/** As it is asked for; what is absent gets what is usual. */
export interface RangesAsked {
  readonly cidr: string;
  readonly gateway?: string | null;
  readonly pools?: readonly { readonly first: string; readonly last: string }[];
  readonly dnsServers?: readonly string[];
  readonly hostRoutes?: readonly { readonly destination: string; readonly nextHop: string }[];
}

/**
 * Ranges that hosts, or networks themselves, use for something else: this network, loopback, link-local (in
 * which the metadata service is), multicast and what is reserved (RFC 6890, RFC 5735, RFC 4291); and those of
 * RFC 6598, from which hosts tell ports apart.
 */
const reserved = [
  "0.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/8",
  "fe80::/10",
  "ff00::/8",
].flatMap((text) => cidrOf(text) ?? []);

/** @throws schemaMismatch, by the field that is wrong */
export function rangesOf(asked: RangesAsked): SubnetRanges {
  const cidr = rangeOf(asked.cidr);
  const given = usable(cidr);
  const gateway = gatewayOf(asked.gateway, cidr);
  const pools =
    asked.pools === undefined ? poolsBeside(given, gateway) : poolsOf(asked.pools, given, gateway);
  return {
    cidr: cidrText(cidr),
    gateway: gateway === null ? null : addressText(gateway),
    pools: pools.map((pool) => ({ first: textOf(pool, pool.first), last: textOf(pool, pool.last) })),
    dnsServers: (asked.dnsServers ?? []).map((text) => addressText(anAddress("dnsServers", text))),
    hostRoutes: (asked.hostRoutes ?? []).map((route) => routeOf(route, cidr)),
  };
}

const textOf = ({ version }: Range, value: bigint): string => addressText({ version, value });

function rangeOf(text: string): Cidr {
  const cidr = cidrOf(text);
  if (cidr === undefined) throw faulty("cidr", `must be a range without bits behind its prefix, not ${text}`);
  const taken = reserved.find((one) => overlap(one, cidr));
  if (taken === undefined) return cidr;
  throw faulty("cidr", `is in ${cidrText(taken)}, which is not for guests`);
}

function anAddress(field: string, text: string): Address {
  const address = addressOf(text);
  if (address === undefined) throw faulty(field, `has ${text}, which is no address`);
  return address;
}

function gatewayOf(asked: string | null | undefined, cidr: Cidr): Address | null {
  if (asked === null) return null;
  const given = usable(cidr);
  if (asked === undefined) return { version: cidr.version, value: given.first };
  const address = anAddress("gateway", asked);
  if (contains(given, address)) return address;
  throw faulty("gateway", `must be an address of ${cidrText(cidr)} that a router can have`);
}

/** All of the range but the gateway: one pool before it, and one behind it. */
function poolsBeside(given: Range, gateway: Address | null): readonly Range[] {
  if (gateway === null) return [given];
  const parts = [
    { ...given, last: gateway.value - 1n },
    { ...given, first: gateway.value + 1n },
  ];
  const pools = parts.filter(({ first, last }) => first <= last);
  if (pools.length > 0) return pools;
  throw faulty("cidr", "has no address for a port beside its gateway");
}

function poolsOf(
  asked: NonNullable<RangesAsked["pools"]>,
  given: Range,
  gateway: Address | null,
): readonly Range[] {
  const pools = asked.map(({ first, last }) => {
    const [from, to] = [anAddress("pools", first), anAddress("pools", last)];
    const named = `${first} to ${last}`;
    if (!contains(given, from) || !contains(given, to))
      throw faulty("pools", `has ${named}, which is not within what ports of the range may have`);
    if (to.value < from.value) throw faulty("pools", `has ${named}, whose end is before its beginning`);
    const pool = { version: given.version, first: from.value, last: to.value };
    if (gateway !== null && contains(pool, gateway))
      throw faulty("pools", `has ${named}, in which the gateway ${addressText(gateway)} is`);
    return pool;
  });
  pools.forEach((pool, at) => {
    if (pools.slice(0, at).some((other) => overlap(pool, other)))
      throw faulty("pools", "must not overlap each other");
  });
  return pools;
}

function routeOf(
  { destination, nextHop }: NonNullable<RangesAsked["hostRoutes"]>[number],
  { version }: Cidr,
): Subnet["hostRoutes"][number] {
  const [to, by] = [cidrOf(destination), anAddress("hostRoutes", nextHop)];
  if (to === undefined) throw faulty("hostRoutes", `has ${destination}, which is no range`);
  if (to.version !== version || by.version !== version)
    throw faulty("hostRoutes", `has ${destination} by ${nextHop}; the subnet is of IPv${version}`);
  return { destination: cidrText(to), nextHop: addressText(by) };
}
