/**
 * Limits of what a controller does with hosts: counts renewals, fences, recovers, drains, disables. They are
 * never configured.
 */
export const fleetLimits = {
  /**
   * A controller writes renewals of leases at this distance at the least: a thousand hosts are 20 writes a
   * second then, each a flush of the disk, and not 200. The first waits for none; a host hears of another so
   * much later.
   */
  renewalPeriodMs: 50,
  /** A host whose power was off so short a while ago has not started again: none boots as fast. */
  powerProofMs: 2_000,
  /** Hosts that were heard from for the last time within this time were lost at once: one event took them. */
  lostAtOnceMs: 30_000,
  /** Of hosts that were lost one after the other, those of this time count together. */
  massFailureWindowMs: 300_000,
  /** Guests that are under way to another host at once, in a cell: their new hosts shall not drown. */
  recoveriesAtOnceMax: 20,
  /** Looked for at this period: fenced hosts with guests that can start elsewhere. */
  recoveryPeriodMs: 1_000,
  /**
   * A host that was not heard from for so long is asked for at the storage: three renewals are missing. Later
   * than storageMissedMs by more than one renewal, so that hosts that were lost at once are all missed then.
   */
  storageTakeMs: 6_000,
  /** Missed: one renewal is late by more than a busy moment. Only for telling one lost host from many. */
  storageMissedMs: 3_500,
  /** No more than one in so many hosts is disabled for that; where there are fewer, one. */
  failingHostsShare: 3,
  /** Hosts that are drained are looked at in this period. */
  drainPeriodMs: 1_000,
  /** Instances of a host that is drained whose ids its row remembers: some 40 KiB, read once a second. */
  drainRememberedMax: 1_000,
  /** A move that lowers the spread of the hosts' loads by less is not worth its trouble. */
  rebalanceGainMin: 0.001,
} as const;
