/**
 * N3: nothing forged leaves a port with `portSecurity`: no other MAC or address, no word for another's
 * address, no answer of a DHCP server, no router's word, no frame of a VLAN. And nobody is seen outside with
 * a floating address that leads to somebody else, or with a host's address where the router gives none.
 */
import type { Checker } from "./facts.ts";
import type { PacketFact } from "./network-facts.ts";
import { NetworkingHistory } from "./networking-history.ts";
import { isSeenRightly } from "./packet-ways.ts";

export function nothingForged(): Checker {
  const history = new NetworkingHistory();
  return {
    promise: "N3",
    see(fact) {
      if (fact.kind === "committed") history.apply(fact);
      if (fact.kind !== "packet" || !fact.delivered) return [];
      if (fact.forged === null) return strangers(history, fact);
      const rows = history.cellSince(Math.min(...fact.versions));
      if (rows.some(({ ports }) => ports.get(fact.from)?.portSecurity === false)) return [];
      return [`Port ${fact.to} got a packet of port ${fact.from} with a forged ${fact.forged}.`];
    },
  };
}

function strangers(history: NetworkingHistory, packet: PacketFact): readonly string[] {
  const { way, from, versions } = packet;
  if (way?.kind !== "leaves") return [];
  const rows = history.cellSince(Math.min(...versions));
  if (rows.length === 0 || isSeenRightly(rows, packet)) return [];
  return [`Port ${from} is seen outside as ${way.seen ?? "its host"}, which it never was.`];
}
