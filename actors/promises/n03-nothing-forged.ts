/**
 * N3: nothing forged leaves a port with `portSecurity`: no other MAC or address, no word for another's
 * address, no answer of a DHCP server, no router's word, no frame of a VLAN.
 */
import type { Checker } from "./facts.ts";
import { NetworkingHistory } from "./networking-history.ts";

export function nothingForged(): Checker {
  const history = new NetworkingHistory();
  return {
    promise: "N3",
    see(fact) {
      if (fact.kind === "committed") history.apply(fact);
      if (fact.kind !== "packet" || !fact.delivered || fact.forged === null) return [];
      const rows = history.cellSince(Math.min(...fact.versions));
      if (rows.some(({ ports }) => ports.get(fact.from)?.portSecurity === false)) return [];
      return [`Port ${fact.to} got a packet of port ${fact.from} with a forged ${fact.forged}.`];
    },
  };
}
