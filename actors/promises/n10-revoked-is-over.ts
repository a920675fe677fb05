/**
 * N10: what rules no longer allow has ended when both hosts have applied that: a packet that goes on with a
 * connection passes only where the connection, or the packet by itself, is allowed at a moment that one of
 * both hosts may know. Who was called may begin a connection of its own with the same ports, once the first
 * one was seen to have ended: then the caller's packets are answers.
 */
import type { Checker } from "./facts.ts";
import type { PacketFact } from "./network-facts.ts";
import { NetworkingHistory } from "./networking-history.ts";
import { type CellNetworks, mayReceive, maySend } from "./packets.ts";

export function revokedIsOver(): Checker {
  const history = new NetworkingHistory();
  const ends: Ends = { over: new Set(), anew: new Map() };
  return {
    promise: "N10",
    see(fact) {
      if (fact.kind === "committed") history.apply(fact);
      return fact.kind === "packet" ? goesOn(history, ends, fact) : [];
    },
  };
}

/** Connections, by their first packet. */
interface Ends {
  /** With a packet that was dropped. */
  readonly over: Set<string>;
  /**
   * Begun by the other end since: under which version. A host of an older one that drops its packets still,
   * as the former host of a floating address does, is not where it was begun, and ends nothing.
   */
  readonly anew: Map<string, number>;
}

function goesOn(history: NetworkingHistory, { over, anew }: Ends, packet: PacketFact): readonly string[] {
  const { connection, delivered, versions } = packet;
  if (connection === undefined) return [];
  const key = JSON.stringify([connection.from, connection.flow]);
  const rows = history.cellSince(Math.min(...versions));
  const version = Math.max(...versions);
  const isBack = packet.flow.sourcePort !== connection.flow.sourcePort;
  if (!delivered) {
    // A packet that may leave begins a connection at its own host, though it finds no way from there.
    const begins = isBack && over.has(key) && rows.some((one) => maySend(one, packet));
    over.add(key);
    if (begins) anew.set(key, version);
    else if (version >= (anew.get(key) ?? 0)) anew.delete(key);
    return [];
  }
  if (isBack && over.has(key) && mayBegin(rows, packet, connection)) anew.set(key, version);
  if (rows.length === 0 || anew.has(key)) return [];
  if ([connection, packet].some((one) => isAllowed(rows, one))) return [];
  const { source, destination, destinationPort } = connection.flow;
  return [`What ${source} began with port ${destinationPort} of ${destination} goes on, and is not allowed.`];
}

/**
 * By rules that let it in; or the caller may still send, so that the caller's host takes what comes for an
 * answer to that, though the packets of the caller end at the other host.
 */
const mayBegin = (
  rows: readonly CellNetworks[],
  packet: PacketFact,
  connection: NonNullable<PacketFact["connection"]>,
): boolean =>
  isAllowed(rows, packet) || [packet, connection].every((one) => rows.some((moment) => maySend(moment, one)));

const isAllowed = (rows: readonly CellNetworks[], one: NonNullable<PacketFact["connection"]>): boolean =>
  rows.some((moment) => maySend(moment, one)) && rows.some((moment) => mayReceive(moment, one));
