/**
 * N2: no packet passes that nobody has allowed. A host lets pass what its applied picture allows, and nothing
 * else (the contract of network drivers); so what is judged here is that each picture that a host applies was
 * true at the moment that it names, for this host, as a whole; and packets between guests are judged by what
 * was intended.
 */
import type { HostNetworking } from "../../protocol/networking.ts";
import { same } from "./equality.ts";
import type { Checker } from "./facts.ts";
import type { Applied, PacketFact } from "./network-facts.ts";
import { NetworkingHistory } from "./networking-history.ts";
import { mayReceive, maySend } from "./packets.ts";

export function onlyWhatIsAllowed(): Checker {
  const history = new NetworkingHistory();
  /** By host: the newest version that it has applied. */
  const versions = new Map<string, number>();
  return {
    promise: "N2",
    see(fact) {
      if (fact.kind === "committed") history.apply(fact);
      if (fact.kind === "packet") return unasked(history, fact);
      return fact.kind === "applied" ? [...setBack(versions, fact), ...untrue(history, fact)] : [];
    },
  };
}

/**
 * A packet that passes was allowed to leave and to enter at moments that one of both hosts may know; an
 * answer needs no rule, and what goes on is judged by N10. Two hosts may know different moments, so the two
 * rules need not have held at the same one.
 */
function unasked(history: NetworkingHistory, packet: PacketFact): readonly string[] {
  const { delivered, isAnswer, forged, connection } = packet;
  if (!delivered || isAnswer || forged !== null || connection !== undefined) return [];
  const rows = history.cellSince(Math.min(...packet.versions));
  if (rows.length === 0) return [];
  const isAllowed = rows.some((one) => maySend(one, packet)) && rows.some((one) => mayReceive(one, packet));
  const { source, destination, destinationPort } = packet.flow;
  return isAllowed
    ? []
    : [`A packet from ${source} to port ${destinationPort} of ${destination} passed that no rule allowed.`];
}

/** What was allowed, and is not any more, would be allowed again. */
function setBack(
  versions: Map<string, number>,
  { hostId, networking: { version } }: Applied,
): readonly string[] {
  const before = versions.get(hostId) ?? 0;
  versions.set(hostId, Math.max(before, version));
  return version < before ? [`Host ${hostId} goes back from event ${before} to event ${version}.`] : [];
}

function untrue(history: NetworkingHistory, { hostId, networking }: Applied): readonly string[] {
  const were = history.asOf(hostId, networking.version);
  if (were.length === 0 || were.some((one) => isSame(one, networking))) return [];
  const now = were.at(-1);
  return [
    `Host ${hostId} applies a picture that was never true: ${text(networking)}, as of event ` +
      `${networking.version}, when it was ${now === undefined ? "nothing" : text(now)}.`,
  ];
}

/** Whatever the versions are. */
export const isSame = (one: HostNetworking, other: HostNetworking): boolean =>
  same(one.networks, other.networks) &&
  same(one.groups, other.groups) &&
  same(one.far ?? [], other.far ?? []) &&
  same(one.routers ?? [], other.routers ?? []);

const textMax = 600;
export const text = ({ networks, groups, far = [], routers = [] }: HostNetworking): string =>
  JSON.stringify({ far, routers, networks, groups }).slice(0, textMax);
