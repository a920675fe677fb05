/**
 * What the scheduler knows: one view per host, as the store had it a moment ago, corrected by what this
 * controller has claimed and released since. A cache and nothing more: a claim is made in the instance's own
 * transaction, under the host's CHECK, so a wrong view costs a second try and never an overfull host (I3).
 * Pure, and never mutated.
 */
import type { Architecture } from "../../protocol/schema.ts";
import type { HostRecord } from "../runtime/records.ts";
import type { Amounts, WaitingQuestion } from "./messages.ts";

export interface HostView {
  readonly id: string;
  readonly name: string;
  readonly architecture: Architecture;
  readonly hypervisor: string;
  readonly accelerator: string;
  /** Already times the overcommit ratios. */
  readonly capacity: Amounts;
  /** As the store had it, plus what changed here since. */
  readonly claimed: Amounts;
  readonly enabled: boolean;
  readonly disabledReason: string | null;
  /** Monotonic time of the newest sign of life. */
  readonly heardAtMs: number;
  /** The store's own mark of the newest sign of life: when it moves, some controller has heard the host. */
  readonly lastSeenAtMs: number;
}

/** A claim (or, negative, a release) that the store's sums may not show yet. */
export interface PendingClaim {
  readonly hostId: string;
  readonly amounts: Amounts;
  readonly atMs: number;
}

export interface SchedulerState {
  /** In order of id. */
  readonly hosts: readonly HostView[];
  /** Position in `hosts`; made anew by every refresh. */
  readonly positions: ReadonlyMap<string, number>;
  readonly pending: readonly PendingClaim[];
  /**
   * Raised by every ranking: rotates hosts of equal score, so that equals share the load without randomness.
   */
  readonly turn: number;
  /** When the read behind the present views began; undefined before the first. */
  readonly readAtMs: number | undefined;
  /** When something about hosts was last said to have changed: older views answer nothing. */
  readonly changedAtMs: number;
  /** When the read under way began; undefined when none is. */
  readonly readingSinceMs: number | undefined;
  /** Questions that no host suits as far as is known: answered when fresher views are here. Bounded. */
  readonly waiting: readonly WaitingQuestion[];
}

/** Nothing is known yet; `turn` lets controllers begin at different hosts. */
export const emptyState = (turn = 0): SchedulerState => ({
  hosts: [],
  positions: new Map(),
  pending: [],
  turn,
  readAtMs: undefined,
  changedAtMs: Number.NEGATIVE_INFINITY,
  readingSinceMs: undefined,
  waiting: [],
});

export const add = (left: Amounts, right: Amounts): Amounts => ({
  vcpus: left.vcpus + right.vcpus,
  memoryMib: left.memoryMib + right.memoryMib,
  diskGib: left.diskGib + right.diskGib,
});

export const negative = (amounts: Amounts): Amounts => ({
  vcpus: -amounts.vcpus,
  memoryMib: -amounts.memoryMib,
  diskGib: -amounts.diskGib,
});

/** A view of what the store has; `heardAtMs` is the caller's to judge. */
export const viewOf = (record: HostRecord, heardAtMs: number): HostView => ({
  id: record.id,
  name: record.name,
  architecture: record.architecture,
  hypervisor: record.hypervisor,
  accelerator: record.accelerator,
  capacity: { vcpus: record.vcpus, memoryMib: record.memoryMib, diskGib: record.diskGib },
  claimed: {
    vcpus: record.vcpusClaimed,
    memoryMib: record.memoryMibClaimed,
    diskGib: record.diskGibClaimed,
  },
  enabled: record.enabled,
  disabledReason: record.disabledReason,
  heardAtMs,
  lastSeenAtMs: record.lastSeenAtMs,
});

/** The state with one host's view changed; unknown hosts change nothing. */
export function withHost(
  state: SchedulerState,
  hostId: string,
  change: (view: HostView) => HostView,
): SchedulerState {
  const position = state.positions.get(hostId);
  const view = position === undefined ? undefined : state.hosts[position];
  if (position === undefined || view === undefined) return state;
  return { ...state, hosts: state.hosts.with(position, change(view)) };
}
