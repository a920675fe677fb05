/**
 * The brake: when so many hosts are lost that the fault is probably novact's own, nothing is fenced and
 * nothing recovered until fewer are lost, or an operator signs. Pure.
 *
 * It is on when two hosts were lost at once, or three within minutes, and these are a third of all hosts; or
 * when all are lost. Single hosts lost one after another are ordinary. Three in a row may be an instance that
 * crashes each host to which it is recovered.
 */
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import type { HostRecord } from "../../records/host.ts";
import type { Look } from "./lease-expiry.ts";
import { fleetLimits } from "./limits.ts";

export interface Brake {
  readonly on: boolean;
  readonly lost: readonly Pick<HostRecord, "id" | "name">[];
  readonly of: number;
}

interface Lost {
  readonly host: HostRecord;
  /** Time since the host last renewed its host lease. */
  readonly ageMs: number;
  readonly fenced: boolean;
}

/**
 * Hosts lost at the same moment did not renew at the same moment: their host leases end within a heartbeat of
 * each other. So when the first has ended, overdue hosts count as lost too; else two of three would be fenced
 * before the third is missed. As long as none has ended, overdue hosts may be on their way back.
 */
export function brakeOf(
  hosts: readonly HostRecord[],
  { expired, silentMs }: Pick<Look, "expired" | "silentMs">,
  wallMs: number,
): Brake {
  const lost = lostOf(hosts, silentMs, {
    silentMsMin: leaseLimits.leaseTtlMs - leaseLimits.heartbeatPeriodMs,
    wallMs,
  });
  const of = countedOf(hosts, wallMs);
  const begun = expired.length > 0 || lost.some(({ fenced }) => fenced);
  return { on: begun && areMany(lost, of), lost: lost.map(({ host }) => host), of };
}

/**
 * Whether so many hosts are overdue already, long before a host lease ends, that the storage must not be
 * asked about them: the brake will decide whether they come back.
 */
export function areManyMissed(
  hosts: readonly HostRecord[],
  { silentMs }: Pick<Look, "silentMs">,
  wallMs: number,
): boolean {
  const missed = lostOf(hosts, silentMs, { silentMsMin: fleetLimits.storageMissedMs, wallMs });
  return areMany(missed, countedOf(hosts, wallMs));
}

function areMany(lost: readonly Lost[], of: number): boolean {
  const many = (count: number, least: number) =>
    count > 0 && (count === of || (count >= least && count * 3 >= of));
  const atOnce = lost.map(
    ({ ageMs }) => lost.filter((other) => Math.abs(other.ageMs - ageMs) <= fleetLimits.lostAtOnceMs).length,
  );
  return many(Math.max(0, ...atOnce), 2) || many(lost.length, 3);
}

/** The number of hosts in the cell: those fenced long ago and not removed do not count. */
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

/**
 * Time since a host was lost, if it was fenced lately by its silence or by the storage. A host that an
 * operator or its power controller said is off does not count: its cause is known.
 */
function lostLately({ lease }: HostRecord, wallMs: number): number | undefined {
  const proof = lease?.fencedBy ?? null;
  if (proof?.kind !== "lease" && proof?.kind !== "storage") return undefined;
  const sinceMs = Math.abs(wallMs - proof.atMs);
  return sinceMs < fleetLimits.massFailureWindowMs ? sinceMs + proof.silentMs : undefined;
}
