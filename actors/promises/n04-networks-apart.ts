/**
 * N4: no packet passes from one network to another, so that projects reach each other by shared networks
 * only.
 */
import type { Checker } from "./facts.ts";
import { NetworkingHistory } from "./networking-history.ts";
import { onOneNetwork } from "./packets.ts";

export function networksApart(): Checker {
  const history = new NetworkingHistory();
  return {
    promise: "N4",
    see(fact) {
      if (fact.kind === "committed") history.apply(fact);
      if (fact.kind !== "packet" || !fact.delivered) return [];
      const rows = history.cellSince(Math.min(...fact.versions));
      if (rows.length === 0 || rows.some((one) => onOneNetwork(one, fact))) return [];
      return [`Port ${fact.to} got a packet of port ${fact.from}, which was never on its network.`];
    },
  };
}
