/**
 * The words by which the kernel's tool ends connections, and how many of them. Each line makes the tool look
 * at the whole table (38 ms at 10,000 connections), so a line is to end many; but none may end a connection
 * that is still allowed, unless one guest has so many that everybody would wait for it. Pure.
 */
import { type Connection, hasPorts, protocolName } from "./connections.ts";
import { ruleLimits } from "./limits.ts";

const { endingLinesMax, endingWalkMax } = ruleLimits;

/** How many lines may end connections while others wait: fewer where the table is large. */
export const linesMax = (connections: number): number =>
  Math.max(1, Math.min(endingLinesMax, Math.floor(endingWalkMax / Math.max(1, connections))));

/** What a line names of a connection; all connections that agree in that end by it. */
type Selector = (one: Connection) => string;

const base = ({ zone, version }: Connection): string => `-D -w ${zone}${version === 6 ? " -f ipv6" : ""}`;
const ofProtocol: Selector = (one) => `${base(one)} -p ${protocolName(one.protocol)}`;
const toPort = (one: Connection): string => (hasPorts(one) ? ` --dport ${one.destinationPort}` : "");

const service: Selector = (one) => `${ofProtocol(one)} -s ${one.source} -d ${one.destination}${toPort(one)}`;
const single: Selector = (one) =>
  hasPorts(one) ? `${service(one)} --sport ${one.sourcePort}` : service(one);

/** What begins in the moment between is ended as well: so these are for many connections only. */
const coarse: readonly Selector[] = [
  service,
  (one) => `${ofProtocol(one)} -d ${one.destination}${toPort(one)}`,
  (one) => `${ofProtocol(one)} -s ${one.source} -d ${one.destination}`,
  (one) => `${ofProtocol(one)} -d ${one.destination}`,
  (one) => `${ofProtocol(one)} -s ${one.source}`,
  base,
];

/** Lines for `conntrack -R` that end exactly these connections. */
export function endingLines(all: readonly Connection[], revoked: readonly Connection[]): readonly string[] {
  const ending = new Set(revoked);
  const zones = new Set(revoked.map(({ zone }) => zone));
  const kept = all.filter((one) => zones.has(one.zone) && !ending.has(one));
  const fine = linesBy([service], revoked, kept);
  return fine.length <= linesMax(all.length) ? fine : linesBy(coarse, revoked, kept);
}

/** By the line that ends the most of them, and none that is kept; else by one for the connection alone. */
function linesBy(
  selectors: readonly Selector[],
  revoked: readonly Connection[],
  kept: readonly Connection[],
): readonly string[] {
  const best = new Map<Connection, { readonly line: string; readonly ends: number }>();
  for (const selector of selectors) {
    const keeps = new Set(kept.map(selector));
    for (const [line, some] of Map.groupBy(revoked, selector)) {
      if (keeps.has(line)) continue;
      for (const one of some)
        if ((best.get(one)?.ends ?? 0) < some.length) best.set(one, { line, ends: some.length });
    }
  }
  return [...new Set(revoked.map((one) => best.get(one)?.line ?? single(one)))];
}

/**
 * The same for connections that nothing else stops, so that they have to end at once. Where that were too
 * many lines, all connections of the guest that has the most of them end, and at last all of the network:
 * others of the host must not wait for it.
 */
export function urgentLines(all: readonly Connection[], revoked: readonly Connection[]): readonly string[] {
  const byNetwork = Map.groupBy(revoked, base);
  return [...byNetwork].flatMap(([ofNetwork, some]) => {
    const isFew = (lines: readonly string[]) => lines.length <= linesMax(all.length);
    return [endingLines(all, some), guestLines(some)].find(isFew) ?? [ofNetwork];
  });
}

/** All connections of an address, for each that has more of these than the address at their other end. */
function guestLines(some: readonly Connection[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { source, destination } of some)
    for (const address of [source, destination]) counts.set(address, (counts.get(address) ?? 0) + 1);
  const isMore = (one: string, other: string) => (counts.get(one) ?? 0) >= (counts.get(other) ?? 0);
  const lines = some.flatMap((one) => {
    const address = isMore(one.source, one.destination) ? one.source : one.destination;
    return [`${base(one)} -s ${address}`, `${base(one)} -d ${address}`];
  });
  return [...new Set(lines)];
}
