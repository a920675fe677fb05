/**
 * Watches host leases. A host lease has ended for good when this controller has seen the same count of
 * renewals for the lease's whole time and the guard's, on its own monotonic clock. No wall clock is read, and
 * no time counts in which this controller could not have seen a renewal. Pure.
 *
 * Why that is enough: the host counts from before it sent a renewal, the controller from after it read the
 * result of its commit. So when the controller's time is over, the host's has been over for at least the
 * margin.
 */
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import type { HostRecord } from "../../records/host.ts";
import { storageOf } from "../../shared-storage/storage-of.ts";
import { fleetLimits } from "./limits.ts";

export interface Watched {
  readonly leaseEpoch: number;
  readonly renewals: number;
  /** Monotonic: since then the count has been the same, and hosts could be heard. */
  readonly sinceMs: number;
}

export type Watch = ReadonlyMap<string, Watched>;

export interface Expired {
  readonly host: HostRecord;
  readonly leaseEpoch: number;
  readonly renewals: number;
  readonly silentMs: number;
}

export interface Look {
  readonly next: Watch;
  /** Hosts whose host lease the store has as held, and whose time is over. */
  readonly expired: readonly Expired[];
  /** Hosts silent for so long that their storage lease may be taken. */
  readonly takeable: readonly Expired[];
  /** Time since the last renewal, by id, of the hosts that hold a host lease. */
  readonly silentMs: ReadonlyMap<string, number>;
}

/** Ids of the hosts that have been silent for at least this long. */
export function silentFor({ silentMs }: Pick<Look, "silentMs">, atLeastMs: number): ReadonlySet<string> {
  return new Set([...silentMs].filter(([, ms]) => ms >= atLeastMs).map(([id]) => id));
}

/**
 * How many host leases were renewed between two looks later than two heartbeats after the renewal before.
 * Time in which no host could be heard does not count.
 */
export function lateRenewals(before: Watch, next: Watch): number {
  let late = 0;
  for (const [hostId, { leaseEpoch, renewals, sinceMs }] of next) {
    const known = before.get(hostId);
    if (known === undefined || known.leaseEpoch !== leaseEpoch || known.renewals === renewals) continue;
    if (sinceMs - known.sinceMs > 2 * leaseLimits.heartbeatPeriodMs) late += 1;
  }
  return late;
}

export function look(
  before: Watch,
  hosts: readonly HostRecord[],
  { nowMs, listeningSinceMs }: { readonly nowMs: number; readonly listeningSinceMs: number },
): Look {
  const next = new Map<string, Watched>();
  const expired: Expired[] = [];
  const takeable: Expired[] = [];
  const silent = new Map<string, number>();
  for (const host of hosts) {
    if (host.lease === null || host.lease.fencedBy !== null) continue;
    const { leaseEpoch, renewals } = host.lease;
    const known = before.get(host.id);
    const same = known !== undefined && known.leaseEpoch === leaseEpoch && known.renewals === renewals;
    const sinceMs = Math.max(same ? known.sinceMs : nowMs, listeningSinceMs);
    next.set(host.id, { leaseEpoch, renewals, sinceMs });
    const silentMs = nowMs - sinceMs;
    silent.set(host.id, silentMs);
    if (silentMs >= fleetLimits.storageTakeMs && storageOf(host.lease) !== null)
      takeable.push({ host, leaseEpoch, renewals, silentMs });
    if (silentMs >= leaseLimits.leaseTtlMs + leaseLimits.fenceMarginMs)
      expired.push({ host, leaseEpoch, renewals, silentMs });
  }
  return { next, expired, takeable, silentMs: silent };
}
