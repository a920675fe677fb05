/**
 * N6: once nothing changes any more, each host with guests on networks has applied what the store says, and
 * what is allowed arrives.
 */
import type { Checker, Quiet } from "./facts.ts";
import { isSame, text } from "./n02-only-what-is-allowed.ts";
import type { PacketFact } from "./network-facts.ts";
import { NetworkingHistory } from "./networking-history.ts";
import { hasFaceOutside, isWay, portCalled } from "./packet-ways.ts";
import { type CellNetworks, mayReceive, maySend } from "./packets.ts";

export function picturesArrive(): Checker {
  const history = new NetworkingHistory();
  return {
    promise: "N6",
    see(fact) {
      if (fact.kind === "committed") history.apply(fact);
      if (fact.kind === "packet") return lost(history, fact);
      return fact.kind === "quiet" ? behind(history, fact) : [];
    },
  };
}

/**
 * At rest what is allowed arrives, and what answers it at any time, by a way that was there at each moment
 * that one of both hosts may know: a host that knows of none drops what takes it.
 */
function lost(history: NetworkingHistory, packet: PacketFact): readonly string[] {
  const { delivered, forged, reach, isLast, isAnswer, flow, from, to, versions } = packet;
  if (delivered || forged !== null || !reach || !(isLast || isAnswer)) return [];
  const now = history.cellSince(Number.POSITIVE_INFINITY).at(-1);
  const since = isLast ? [] : history.cellSince(Math.min(...versions));
  const isAllowed = isAnswer
    ? since.every((one) => isWay(one, packet))
    : now !== undefined && isIntended(now, packet);
  const what = isAnswer ? "An answer" : "A packet";
  return isAllowed ? [`${what} of port ${from} to ${to} (${flow.destinationPort}) never arrives.`] : [];
}

function isIntended(rows: CellNetworks, packet: PacketFact): boolean {
  const { way } = packet;
  if (way?.kind === "leaves" && !hasFaceOutside(rows, packet)) return false;
  // Nobody has answered, so nobody but the rows knows whom the call was for, and by which router.
  if (way?.kind === "comes") return isCalled(rows, packet, way.address ?? "");
  return isWay(rows, packet) && maySend(rows, packet) && mayReceive(rows, packet);
}

function isCalled(rows: CellNetworks, packet: PacketFact, address: string): boolean {
  const to = portCalled(rows, address);
  return to !== undefined && mayReceive(rows, { ...packet, to });
}

function behind(history: NetworkingHistory, { networks = [] }: Quiet): readonly string[] {
  return networks.flatMap(({ hostId, ports, applied }) => {
    const wanted = history.now(hostId);
    if (ports === 0 || (applied !== null && isSame(applied, wanted))) return [];
    const has = applied === null ? "nothing" : text(applied);
    return [`Host ${hostId} has applied ${has} for good, and not ${text(wanted)}.`];
  });
}
