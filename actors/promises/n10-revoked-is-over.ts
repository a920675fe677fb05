/**
 * N10: what rules no longer allow has ended when both hosts have applied that: a packet that goes on with a
 * connection passes only where the connection, or the packet by itself, is allowed at a moment that one of
 * both hosts may know. Who was called may begin a connection of its own with the same ports, once the first
 * one was seen to have ended: then the caller's packets are answers.
 */
import type { Checker, PacketFact } from "./facts.ts";
import { NetworkingHistory } from "./networking-history.ts";
import { type CellNetworks, mayReceive, maySend } from "./packets.ts";

export function revokedIsOver(): Checker {
  const history = new NetworkingHistory();
  const ends: Ends = { over: new Set(), anew: new Set() };
  return {
    promise: "N10",
    see(fact) {
      if (fact.kind === "committed") history.apply(fact);
      return fact.kind === "packet" ? goesOn(history, ends, fact) : [];
    },
  };
}

/** Connections, by their first packet: with a packet that was dropped; begun by the other end since. */
interface Ends {
  readonly over: Set<string>;
  readonly anew: Set<string>;
}

function goesOn(history: NetworkingHistory, { over, anew }: Ends, packet: PacketFact): readonly string[] {
  const { connection, delivered, versions } = packet;
  if (connection === undefined) return [];
  const key = JSON.stringify([connection.from, connection.flow]);
  const rows = history.cellSince(Math.min(...versions));
  const isBack = packet.flow.sourcePort !== connection.flow.sourcePort;
  if (!delivered) {
    // A packet that may leave begins a connection at its own host, though it finds no way from there.
    const begins = isBack && over.has(key) && rows.some((one) => maySend(one, packet));
    over.add(key);
    if (begins) anew.add(key);
    else anew.delete(key);
    return [];
  }
  if (isBack && over.has(key) && mayBegin(rows, packet, connection)) anew.add(key);
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
