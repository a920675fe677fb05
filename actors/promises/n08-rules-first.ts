/**
 * N8: a guest finds the rules of its ports applied, from its first instruction on: nothing passes a port
 * before its host has applied a picture that has the port with that guest.
 */
import type { Checker } from "./facts.ts";

export function rulesFirst(): Checker {
  return {
    promise: "N8",
    see(fact) {
      if (fact.kind !== "packet" || !fact.delivered || fact.ruled) return [];
      return [`Port ${fact.to} got a packet of port ${fact.from} before rules for both were applied.`];
    },
  };
}
