/**
 * N10: what rules no longer allow has ended when both hosts have applied that: a packet that goes on with a
 * connection passes only where the connection, or the packet by itself, is allowed at a moment that one of
 * both hosts may know.
 */
import type { Checker, PacketFact } from "./facts.ts";
import { NetworkingHistory } from "./networking-history.ts";
import { type CellNetworks, mayReceive, maySend } from "./packets.ts";

export function revokedIsOver(): Checker {
  const history = new NetworkingHistory();
  return {
    promise: "N10",
    see(fact) {
      if (fact.kind === "committed") history.apply(fact);
      return fact.kind === "packet" ? goesOn(history, fact) : [];
    },
  };
}

function goesOn(history: NetworkingHistory, packet: PacketFact): readonly string[] {
  const { connection, delivered, versions } = packet;
  if (connection === undefined || !delivered) return [];
  const rows = history.cellSince(Math.min(...versions));
  if (rows.length === 0 || [connection, packet].some((one) => isAllowed(rows, one))) return [];
  const { source, destination, destinationPort } = connection.flow;
  return [`What ${source} began with port ${destinationPort} of ${destination} goes on, and is not allowed.`];
}

const isAllowed = (rows: readonly CellNetworks[], one: NonNullable<PacketFact["connection"]>): boolean =>
  rows.some((moment) => maySend(moment, one)) && rows.some((moment) => mayReceive(moment, one));
