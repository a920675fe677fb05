/**
 * N9: that an agent dies, ends, starts or is of another version changes no packet. What becomes of a packet
 * of its own is the same as long as no host has applied or plugged in anything else.
 */
import type { Checker, Fact } from "./facts.ts";
import type { PacketFact } from "./network-facts.ts";

export function restartsChangeNothing(): Checker {
  /** Since the last change. */
  const fates = new Map<string, PacketFact>();
  return {
    promise: "N9",
    see(fact) {
      if (changes.has(fact.kind)) fates.clear();
      if (fact.kind !== "packet" || !isAlone(fact)) return [];
      const key = keyOf(fact);
      const before = fates.get(key);
      fates.set(key, fact);
      return before === undefined || before.delivered === fact.delivered ? [] : [changed(before, fact)];
    },
  };
}

/** What may change the fate of a packet. */
const changes: ReadonlySet<Fact["kind"]> = new Set([
  ...(["applied", "pictureLost", "portHeld", "portLetGo", "guestStarted", "guestEnded"] as const),
]);

/** Packets of an earlier connection pass as the connection did. */
const isAlone = ({ isAnswer, connection, heard }: PacketFact): boolean =>
  heard && !isAnswer && connection === undefined;

const keyOf = ({ from, to, forged, flow, way }: PacketFact): string =>
  [from, to, forged, flow.source, flow.destination, flow.destinationPort, ...doorOf(way)].join(" ");

/** By which a packet goes that does not stay on its network. */
function doorOf(way: PacketFact["way"]): readonly string[] {
  if (way === undefined) return [];
  return way.kind === "comes" ? [way.kind, way.address ?? ""] : [way.kind, way.gate];
}

function changed(before: PacketFact, { from, to, flow, delivered }: PacketFact): string {
  const was = `at ${Math.round(before.atMs)} ms it was ${before.delivered ? "delivered" : "dropped"}`;
  const what = `A packet of port ${from} to ${to} (${flow.destinationPort})`;
  return `${what} is ${delivered ? "delivered" : "dropped"}; ${was}, and no host has applied anything since.`;
}
