/**
 * What the guard of a node remembers, and how it begins. It trusts nothing but a deadline that it was told,
 * or that a guard before it was told since the computer booted.
 */
import type { GuardDeed } from "../../../protocol/guard.ts";
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import type { FencedGuest, KillReason } from "./messages.ts";

/** A guest that the guard has stopped or killed, and that it has not let go of. */
export interface HeldGuest extends FencedGuest {
  /** Why it was killed. */
  readonly why?: KillReason | undefined;
  /**
   * Since when the guest is to be stopped and was not seen stopped, on the monotonic clock. Absent: it was
   * seen stopped last.
   */
  readonly unprovedSinceMs?: number | undefined;
  /** True: it was killed, and a thread of it may be left. */
  readonly killed?: boolean | undefined;
  /** True: a group that was told to thaw, and was not seen running yet. */
  readonly continued?: boolean | undefined;
}

export interface GuardState {
  readonly deadlineMs: number;
  /** Number of the newest `extend`. */
  readonly number: number;
  /** When that `extend` came. */
  readonly extendedAtMs: number;
  /** Guests that this guard has stopped or killed; the guard continues no others, and no killed one. */
  readonly stopped: readonly HeldGuest[];
  /**
   * Set for the first look only: guests found stopped then, after the deadline, count as ours. The guard
   * before may have died between stopping them and noting it.
   */
  readonly adopts: boolean;
  /** The last deeds, oldest first, for the agent to report. */
  readonly deeds: readonly GuardDeed[];
  /** The newest `extend` is acknowledged only after a look at the guests. */
  readonly unanswered: boolean;
  /** Until then the disks are looked at although the host lease holds, because it was renewed late. */
  readonly watchUntilMs: number;
}

/** What outlives a guard process; valid only within the same boot. */
export interface StoredGuard extends Pick<GuardState, "deadlineMs" | "number" | "stopped"> {
  readonly bootId: string;
  /** Absent: a guard of before stored none. */
  readonly deeds?: readonly GuardDeed[] | undefined;
}

/**
 * The first state. A guard that finds no deadline of this boot came with the node's first guests, or its file
 * was lost: nobody can have been promised more than one time to live from now.
 */
export function beginGuard(stored: StoredGuard | undefined, bootId: string, nowMs: number): GuardState {
  const known = stored?.bootId === bootId ? stored : undefined;
  const latestMs = nowMs + leaseLimits.leaseTtlMs;
  return {
    deadlineMs: Math.min(known?.deadlineMs ?? latestMs, latestMs),
    number: known?.number ?? 0,
    extendedAtMs: nowMs,
    stopped: known?.stopped ?? [],
    deeds: known?.deeds ?? [],
    adopts: known !== undefined && nowMs >= known.deadlineMs,
    unanswered: false,
    watchUntilMs: nowMs,
  };
}

export function isSame(one: FencedGuest, other: FencedGuest): boolean {
  if (one.group !== undefined || other.group !== undefined) return one.group?.id === other.group?.id;
  return one.pid === other.pid && one.startTicks === other.startTicks;
}

export function toStore(state: GuardState, bootId: string): StoredGuard {
  const { deadlineMs, number, stopped, deeds } = state;
  return { bootId, deadlineMs, number, stopped, deeds };
}
