/**
 * When a lease has ended for good: this controller has seen the same count of renewals for the lease's whole
 * time and the guard's, on its own monotonic clock. No wall clock is looked at, and no time is believed in
 * which this controller could not have seen a renewal. Pure.
 *
 * Why that is enough: the host counts from before it sent a renewal, the controller from after it read the
 * result of its commit. So when the controller's time is over the host's has been for at least the margin.
 */
import { limits } from "../../protocol/limits.ts";
import type { HostRecord } from "../runtime/records.ts";

export interface Watched {
  readonly epoch: number;
  readonly renewals: number;
  /** Monotonic: the same count was first seen then, or hosts can be heard since then. */
  readonly sinceMs: number;
}

export type Watch = ReadonlyMap<string, Watched>;

export interface Expired {
  readonly host: HostRecord;
  readonly epoch: number;
  readonly renewals: number;
  readonly silentMs: number;
}

export interface Look {
  readonly next: Watch;
  /** Held as the store has it, and over. */
  readonly expired: readonly Expired[];
  /** Ids of those that have missed so many renewals that theirs is about to be. */
  readonly overdue: ReadonlySet<string>;
  /** Ids of those of whom a renewal is missed. */
  readonly missed: ReadonlySet<string>;
  /** Silent for so long that the storage may be asked whether anything of them lives. */
  readonly takeable: readonly Expired[];
}

export function look(
  before: Watch,
  hosts: readonly HostRecord[],
  { nowMs, listeningSinceMs }: { readonly nowMs: number; readonly listeningSinceMs: number },
): Look {
  const next = new Map<string, Watched>();
  const expired: Expired[] = [];
  const overdue = new Set<string>();
  const missed = new Set<string>();
  const takeable: Expired[] = [];
  for (const host of hosts) {
    if (host.lease === null || host.lease.fencedBy !== null) continue;
    const { epoch, renewals } = host.lease;
    const known = before.get(host.id);
    const same = known !== undefined && known.epoch === epoch && known.renewals === renewals;
    const sinceMs = Math.max(same ? known.sinceMs : nowMs, listeningSinceMs);
    next.set(host.id, { epoch, renewals, sinceMs });
    const silentMs = nowMs - sinceMs;
    if (silentMs >= limits.storageMissedMs) missed.add(host.id);
    if (silentMs >= limits.storageTakeMs && host.lease.storageHeld)
      takeable.push({ host, epoch, renewals, silentMs });
    if (silentMs >= limits.leaseTtlMs - limits.heartbeatPeriodMs) overdue.add(host.id);
    if (silentMs >= limits.leaseTtlMs + limits.fenceMarginMs)
      expired.push({ host, epoch, renewals, silentMs });
  }
  return { next, expired, overdue, missed, takeable };
}

export interface Brake {
  readonly on: boolean;
  /** Lost at once: those whose lease is over or about to be, and those that were fenced a short while ago. */
  readonly lost: readonly HostRecord[];
  readonly of: number;
}

/**
 * A third of the hosts at once, and more than one: that is us, not them. Nothing is fenced and nothing
 * recovered until fewer are lost, or an operator signs.
 *
 * Those that were lost at once did not renew at once: their leases end within a heartbeat of each other. So
 * when the first has ended, those that are overdue count as well, else two of three would be fenced before
 * the third is missed. As long as none has ended they may be on their way back.
 */
export function brakeOf(
  hosts: readonly HostRecord[],
  { expired, overdue }: Pick<Look, "expired" | "overdue">,
  wallMs: number,
): Brake {
  const { lost, of, many } = lostAmong(hosts, overdue, wallMs);
  const begun = expired.length > 0 || lost.some((host) => lostLately(host, wallMs));
  return { on: begun && many, lost, of };
}

/**
 * Before the storage is asked, long before a lease ends: too many are missed already, and it is for the brake
 * to tell whether they come back.
 */
export function areManyMissed(
  hosts: readonly HostRecord[],
  { missed }: Pick<Look, "missed">,
  wallMs: number,
): boolean {
  return lostAmong(hosts, missed, wallMs).many;
}

function lostAmong(hosts: readonly HostRecord[], silent: ReadonlySet<string>, wallMs: number) {
  const leased = hosts.filter(({ lease }) => lease !== null);
  const lost = leased.filter((host) => silent.has(host.id) || lostLately(host, wallMs));
  const many = lost.length === leased.length || (lost.length > 1 && lost.length * 3 >= leased.length);
  return { lost, of: leased.length, many };
}

/** A host that an operator or its power controller said is off is no mystery. */
function lostLately({ lease }: HostRecord, wallMs: number): boolean {
  const proof = lease?.fencedBy ?? null;
  const silent = proof?.kind === "lease" || proof?.kind === "storage";
  return silent && Math.abs(wallMs - proof.atMs) < limits.massFailureWindowMs;
}
