/**
 * When so many hosts are lost that it is rather us than them: nothing is fenced and nothing recovered until
 * fewer are lost, or an operator signs. Pure.
 *
 * Two at once, or three within minutes, when that is a third of the hosts; or all of them. A single host
 * after another is what hosts do. Three in a row may be an instance that kills each host that it is recovered
 * to.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import type { HostRecord } from "../../records/host.ts";
import type { Look } from "./watch.ts";

export interface Brake {
  readonly on: boolean;
  readonly lost: readonly HostRecord[];
  readonly of: number;
}

interface Lost {
  readonly host: HostRecord;
  /** So long ago it renewed its lease for the last time. */
  readonly ageMs: number;
  readonly fenced: boolean;
}

/**
 * Those that were lost at once did not renew at once: their leases end within a heartbeat of each other. So
 * when the first has ended, those that are overdue count as well, else two of three would be fenced before
 * the third is missed. As long as none has ended they may be on their way back.
 */
export function brakeOf(
  hosts: readonly HostRecord[],
  { expired, silentMs }: Pick<Look, "expired" | "silentMs">,
  wallMs: number,
): Brake {
  const lost = lostOf(hosts, silentMs, { silentMsMin: limits.leaseTtlMs - limits.heartbeatPeriodMs, wallMs });
  const of = countedOf(hosts, wallMs);
  const begun = expired.length > 0 || lost.some(({ fenced }) => fenced);
  return { on: begun && areMany(lost, of), lost: lost.map(({ host }) => host), of };
}

/**
 * Before the storage is asked, long before a lease ends: too many are missed already, and it is for the brake
 * to tell whether they come back.
 */
export function areManyMissed(
  hosts: readonly HostRecord[],
  { silentMs }: Pick<Look, "silentMs">,
  wallMs: number,
): boolean {
  const missed = lostOf(hosts, silentMs, { silentMsMin: limits.storageMissedMs, wallMs });
  return areMany(missed, countedOf(hosts, wallMs));
}

function areMany(lost: readonly Lost[], of: number): boolean {
  const many = (count: number, least: number) =>
    count > 0 && (count === of || (count >= least && count * 3 >= of));
  const atOnce = lost.map(
    ({ ageMs }) => lost.filter((other) => Math.abs(other.ageMs - ageMs) <= limits.lostAtOnceMs).length,
  );
  return many(Math.max(0, ...atOnce), 2) || many(lost.length, 3);
}

/** What was fenced long ago, and not removed, is no host of the cell any more. */
const countedOf = (hosts: readonly HostRecord[], wallMs: number): number =>
  hosts.filter((host) => host.lease?.fencedBy === null || lostLately(host, wallMs) !== undefined).length;

interface Measure {
  readonly silentMsMin: number;
  readonly wallMs: number;
}

function lostOf(
  hosts: readonly HostRecord[],
  silentMs: Look["silentMs"],
  { silentMsMin, wallMs }: Measure,
): readonly Lost[] {
  return hosts.flatMap((host): Lost[] => {
    const silent = silentMs.get(host.id) ?? 0;
    if (silent >= silentMsMin) return [{ host, ageMs: silent, fenced: false }];
    const ageMs = lostLately(host, wallMs);
    return ageMs === undefined ? [] : [{ host, ageMs, fenced: true }];
  });
}

/** A host that an operator or its power controller said is off is no mystery. */
function lostLately({ lease }: HostRecord, wallMs: number): number | undefined {
  const proof = lease?.fencedBy ?? null;
  if (proof?.kind !== "lease" && proof?.kind !== "storage") return undefined;
  const sinceMs = Math.abs(wallMs - proof.atMs);
  return sinceMs < limits.massFailureWindowMs ? sinceMs + proof.silentMs : undefined;
}
