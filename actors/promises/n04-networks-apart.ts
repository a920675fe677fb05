/**
 * N4: no packet passes from one network to another, or outside, but over a router of which rows say so, so
 * that projects reach each other by shared networks and outside only.
 */
import type { Checker } from "./facts.ts";
import { NetworkingHistory } from "./networking-history.ts";
import { isWay } from "./packet-ways.ts";

export function networksApart(): Checker {
  const history = new NetworkingHistory();
  return {
    promise: "N4",
    see(fact) {
      if (fact.kind === "committed") history.apply(fact);
      if (fact.kind !== "packet" || !fact.delivered) return [];
      const rows = history.cellSince(Math.min(...fact.versions));
      if (rows.length === 0 || rows.some((one) => isWay(one, fact))) return [];
      const { from, to, way, flow } = fact;
      if (way === undefined)
        return [`Port ${to} got a packet of port ${from}, which was never on its network.`];
      return [`Port ${to} got a packet of port ${from} for ${flow.destination}: no router led that way.`];
    },
  };
}
