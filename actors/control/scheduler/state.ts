/**
 * What the scheduler knows: one view per host, as the store had it a moment ago, corrected by what this
 * controller has claimed and released since. A cache and nothing more: a claim is made in the instance's own
 * transaction, under the host's CHECK, so a wrong view costs a second try and never an overfull host (I3).
 * Pure, and never mutated.
 */

import type { Architecture } from "../../../protocol/kinds.ts";
import { limits } from "../../../protocol/limits/limits.ts";
import {
  type NumaNode,
  type NumaPlacement,
  type NumaUse,
  pinnedBy,
  realCpusOf,
  useWith,
} from "../../../protocol/numa.ts";
import type { HostRecord } from "../../records/host.ts";
import { ClaimLog } from "./claim-log.ts";
import type { Aggregate, AggregateFacts, FactsOfRead } from "./facts.ts";
import { HostList } from "./host-list.ts";
import type { Amounts, Claim, WaitingQuestion } from "./messages.ts";
import { isDedicated, numaDemand, placementFor } from "./numa.ts";

/** What a host's record may have beyond what every record has; what is absent is asked of nobody. */
export interface HostExtras {
  readonly labels: Readonly<Record<string, string>>;
  /** Flags of the processors and traits of the host, in any spelling. */
  readonly features: readonly string[];
  readonly machineTypes: readonly string[];
  /** In a row. */
  readonly failedBuilds: number;
  /** Instances that are being built or moved there. */
  readonly ioOps: number;
  readonly instances: number;
  readonly storageId: string | null;
  readonly aggregates: readonly Aggregate[];
  readonly leaseHeld: boolean;
}

export type ReadHost = HostRecord & Partial<HostExtras>;

export interface HostView {
  readonly id: string;
  readonly name: string;
  readonly architecture: Architecture;
  readonly hypervisor: string;
  readonly hypervisorVersion: string;
  readonly accelerator: string;
  /** Already times the overcommit ratios. */
  readonly capacity: Amounts;
  /** As the store had it, plus what changed here since. */
  readonly claimed: Amounts;
  readonly instances: number;
  readonly ioOps: number;
  /** The store knows them; else a claim that is remembered here would count for more than one that is not. */
  readonly knowsIoOps: boolean;
  readonly failedBuilds: number;
  readonly pinnedCpus: number;
  /** CPUs that are there, without any ratio; 0: the host does not say. */
  readonly realCpus: number;
  readonly numa: readonly NumaNode[];
  /** What is taken of each cell. */
  readonly cellUse: readonly NumaUse[];
  readonly enabled: boolean;
  readonly disabledReason: string | null;
  readonly leaseHeld: boolean;
  readonly storageId: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly machineTypes: readonly string[];
  /** By {@link featureKey}. */
  readonly features: ReadonlySet<string>;
  readonly aggregates: AggregateFacts;
  /** Monotonic time of the newest sign of life. */
  readonly heardAtMs: number;
  /** The store's own mark of the newest sign of life: when it moves, some controller has heard the host. */
  readonly lastSeenAtMs: number;
  /** The record that it shows and nothing else; undefined since something was counted beyond it. */
  readonly source: ReadHost | undefined;
}

export interface SchedulerState {
  /** In order of id. */
  readonly hosts: HostList<HostView>;
  /** Position in `hosts`; made anew when hosts come or go. */
  readonly positions: ReadonlyMap<string, number>;
  readonly pending: ClaimLog;
  /**
   * Raised by every ranking: rotates hosts of equal score, so that equals share the load without randomness.
   */
  readonly turn: number;
  /** When the read behind the present views began; undefined before the first. */
  readonly readAtMs: number | undefined;
  /** When something about hosts was last said to have changed: older views answer nothing. */
  readonly changedAtMs: number;
  /** When somebody else last told what it had read. */
  readonly toldAtMs: number;
  /** When the read under way began; undefined when none is. */
  readonly readingSinceMs: number | undefined;
  /** Questions that no host suits as far as is known: answered when fresher views are here. Bounded. */
  readonly waiting: readonly WaitingQuestion[];
}

/** Nothing is known yet; `turn` lets controllers begin at different hosts. */
export const emptyState = (turn = 0): SchedulerState => ({
  hosts: HostList.of<HostView>([]),
  positions: new Map(),
  pending: ClaimLog.none(),
  turn,
  readAtMs: undefined,
  changedAtMs: Number.NEGATIVE_INFINITY,
  toldAtMs: Number.NEGATIVE_INFINITY,
  readingSinceMs: undefined,
  waiting: [],
});

const none: readonly never[] = [];
const noLabels: HostExtras["labels"] = {};

/** A view of what the store has; `heardAtMs` is the caller's to judge. */
export function viewOf(record: ReadHost, heardAtMs: number, facts: FactsOfRead): HostView {
  const { numa } = record;
  return {
    id: record.id,
    name: record.name,
    architecture: record.architecture,
    hypervisor: record.hypervisor,
    hypervisorVersion: record.hypervisorVersion,
    accelerator: record.accelerator,
    capacity: { vcpus: record.vcpus, memoryMib: record.memoryMib, diskGib: record.diskGib },
    claimed: {
      vcpus: record.vcpusClaimed,
      memoryMib: record.memoryMibClaimed,
      diskGib: record.diskGibClaimed,
    },
    instances: record.instances,
    ioOps: record.ioOps ?? 0,
    knowsIoOps: record.ioOps !== undefined,
    failedBuilds: record.failedBuilds ?? 0,
    pinnedCpus: record.pinnedCpus,
    realCpus: realCpusOf(numa),
    numa,
    cellUse: record.numaClaimed,
    enabled: record.enabled,
    disabledReason: record.disabledReason,
    leaseHeld: record.leaseHeld ?? !isFenced(record),
    storageId: record.storageId ?? null,
    labels: record.labels ?? noLabels,
    machineTypes: record.machineTypes ?? none,
    features: facts.features(record.features ?? none),
    aggregates: facts.aggregates(record.aggregates ?? none),
    heardAtMs,
    lastSeenAtMs: record.lastSeenAtMs,
    source: record,
  };
}

/** Whether both would be shown the same, but for signs of life. What is nested is compared as an object. */
export function showsTheSame(one: ReadHost, other: ReadHost): boolean {
  if (one === other) return true;
  const same = seenFields.every((field) => one[field] === other[field]);
  return same && isFenced(one) === isFenced(other);
}

const isFenced = ({ lease }: ReadHost): boolean => (lease?.fencedBy ?? null) !== null;

/** Everything that {@link viewOf} looks at, but for the lease and signs of life. */
const seenFields = [
  ...(["vcpusClaimed", "memoryMibClaimed", "diskGibClaimed", "instances", "ioOps"] as const),
  ...(["failedBuilds", "aggregates", "enabled", "disabledReason", "leaseHeld"] as const),
  ...(["vcpus", "memoryMib", "diskGib", "numa", "labels", "features", "machineTypes"] as const),
  ...(["storageId", "pinnedCpus", "numaClaimed"] as const),
  ...(["id", "name", "architecture", "hypervisor", "hypervisorVersion", "accelerator"] as const),
] satisfies readonly (keyof ReadHost)[];

/**
 * The view with a claim more (sign 1) or less (-1). Which cells it takes is chosen here when it does not say
 * so; of one that goes without saying so they stay taken until the next read.
 */
export function withClaim(view: HostView, claim: Claim, sign: 1 | -1): HostView {
  const { claimed } = view;
  const numa = claim.numa ?? (sign === 1 ? chosenFor(view, claim) : undefined);
  return {
    ...view,
    claimed: {
      vcpus: claimed.vcpus + sign * claim.vcpus,
      memoryMib: claimed.memoryMib + sign * claim.memoryMib,
      diskGib: claimed.diskGib + sign * claim.diskGib,
    },
    instances: Math.max(0, view.instances + sign),
    ioOps: view.knowsIoOps ? Math.max(0, view.ioOps + sign) : view.ioOps,
    pinnedCpus: view.pinnedCpus + sign * (numa === undefined ? leavingCpus(claim, sign) : pinnedBy(numa)),
    cellUse: numa === undefined ? view.cellUse : useWith(view.cellUse, numa, sign),
    source: undefined,
  };
}

const leavingCpus = ({ extraSpecs, vcpus }: Claim, sign: 1 | -1): number =>
  sign === -1 && isDedicated(extraSpecs) ? vcpus : 0;

function chosenFor(view: HostView, claim: Claim): NumaPlacement | undefined {
  const demand = numaDemand(claim);
  return typeof demand === "object" ? placementFor(view, demand) : undefined;
}

/** The state with one host's view changed; unknown hosts change nothing. */
export function withHost(
  state: SchedulerState,
  hostId: string,
  change: (view: HostView) => HostView,
): SchedulerState {
  const position = state.positions.get(hostId);
  const view = position === undefined ? undefined : state.hosts.at(position);
  if (position === undefined || view === undefined) return state;
  return { ...state, hosts: state.hosts.with(position, change(view)) };
}

/** The state with a sign of life of one host: the most frequent change by far, and no weigher sees it. */
export function withHeard(state: SchedulerState, hostId: string, atMs: number): SchedulerState {
  const position = state.positions.get(hostId);
  const view = position === undefined ? undefined : state.hosts.at(position);
  if (position === undefined || view === undefined) return state;
  return { ...state, hosts: state.hosts.withSameWorth(position, { ...view, heardAtMs: atMs }) };
}

/** Nobody could be heard for a while: who was heard shortly before it gets the benefit of the doubt. */
export function withAllHeard(state: SchedulerState, atMs: number): SchedulerState {
  let { hosts } = state;
  for (const [position, view] of [...hosts].entries())
    if (atMs - view.heardAtMs <= limits.outageForgivenMs)
      hosts = hosts.withSameWorth(position, { ...view, heardAtMs: atMs });
  return { ...state, hosts };
}

/** The view of a host; undefined when it is not known. */
export const viewIn = ({ hosts, positions }: SchedulerState, hostId: string): HostView | undefined =>
  hosts.at(positions.get(hostId) ?? -1);
