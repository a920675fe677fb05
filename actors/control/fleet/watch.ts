/**
 * When a lease has ended for good: this controller has seen the same count of renewals for the lease's whole
 * time and the guard's, on its own monotonic clock. No wall clock is looked at, and no time is believed in
 * which this controller could not have seen a renewal. Pure.
 *
 * Why that is enough: the host counts from before it sent a renewal, the controller from after it read the
 * result of its commit. So when the controller's time is over the host's has been for at least the margin.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import type { HostRecord } from "../../records/host.ts";
import { storageOf } from "../../shared-storage/witnesses.ts";

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
  /** Silent for so long that the storage may be asked whether anything of them lives. */
  readonly takeable: readonly Expired[];
  /** So long nothing was renewed, by the ids of those that hold a lease. */
  readonly silentMs: ReadonlyMap<string, number>;
}

/** Ids of those that are silent for so long. */
export function silentFor({ silentMs }: Pick<Look, "silentMs">, atLeastMs: number): ReadonlySet<string> {
  return new Set([...silentMs].filter(([, ms]) => ms >= atLeastMs).map(([id]) => id));
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
    const { epoch, renewals } = host.lease;
    const known = before.get(host.id);
    const same = known !== undefined && known.epoch === epoch && known.renewals === renewals;
    const sinceMs = Math.max(same ? known.sinceMs : nowMs, listeningSinceMs);
    next.set(host.id, { epoch, renewals, sinceMs });
    const silentMs = nowMs - sinceMs;
    silent.set(host.id, silentMs);
    if (silentMs >= limits.storageTakeMs && storageOf(host.lease) !== null)
      takeable.push({ host, epoch, renewals, silentMs });
    if (silentMs >= limits.leaseTtlMs + limits.fenceMarginMs)
      expired.push({ host, epoch, renewals, silentMs });
  }
  return { next, expired, takeable, silentMs: silent };
}
