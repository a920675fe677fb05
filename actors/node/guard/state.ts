/**
 * What the guard of a node remembers, and with what it begins. It trusts nothing but a deadline that it was
 * told, or one that a guard before it was told in the same boot of the machine.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import type { FencedGuest } from "./messages.ts";

export interface GuardState {
  readonly deadlineMs: number;
  /** Of the newest message. */
  readonly number: number;
  /** When that message came. */
  readonly extendedAtMs: number;
  /** What this guard has stopped: nothing else is continued. */
  readonly stopped: readonly FencedGuest[];
  /**
   * Its first look: what is stopped then, after the deadline, is ours. The guard before it may have died
   * between the stop and the note of it.
   */
  readonly adopts: boolean;
  /** The newest message is answered when the guests have been looked at. */
  readonly unanswered: boolean;
  /** Until then the disks are looked at though the lease holds: it was renewed late. */
  readonly watchUntilMs: number;
}

/** What outlives a guard; worth something only within the same boot. */
export interface StoredGuard extends Pick<GuardState, "deadlineMs" | "number" | "stopped"> {
  readonly bootId: string;
}

/**
 * A guard that finds no deadline of this boot has come with the node's first guests, or its file was lost:
 * one time to live from now on is all that anybody can have been promised.
 */
export function beginGuard(stored: StoredGuard | undefined, bootId: string, nowMs: number): GuardState {
  const known = stored?.bootId === bootId ? stored : undefined;
  const latestMs = nowMs + limits.leaseTtlMs;
  return {
    deadlineMs: Math.min(known?.deadlineMs ?? latestMs, latestMs),
    number: known?.number ?? 0,
    extendedAtMs: nowMs,
    stopped: known?.stopped ?? [],
    adopts: known !== undefined && nowMs >= known.deadlineMs,
    unanswered: false,
    watchUntilMs: nowMs,
  };
}

export const isSame = (one: FencedGuest, other: FencedGuest): boolean =>
  one.pid === other.pid && one.startTicks === other.startTicks;
