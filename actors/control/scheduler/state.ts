/**
 * What the scheduler knows: one view for each host, as the store had it a moment ago, corrected by what this
 * controller has claimed and released since. A cache and nothing more: a claim is made in the instance's own
 * transaction, under the host's CHECK, so a wrong view costs a second try and never an overfull host (I3).
 * Pure, and never mutated.
 */

import type { HostDrivers } from "../../../protocol/host-drivers.ts";
import type { Architecture } from "../../../protocol/kinds.ts";
import {
  type NumaNode,
  type NumaPlacement,
  type NumaUse,
  pinnedBy,
  realCpusOf,
  useWith,
} from "../../../protocol/numa.ts";
import type { Space } from "../../../protocol/space.ts";
import type { HostRecord } from "../../records/host.ts";
import { ClaimLog } from "./claim-log.ts";
import { type ToldRoom, withToldRoom } from "./disk-room.ts";
import type { Aggregate, AggregateFacts, FactsOfRead } from "./facts.ts";
import { HostList } from "./host-list.ts";
import { schedulerLimits } from "./limits.ts";
import type { Amounts, Claim, SchedulerMessage, Stored, WaitingQuestion } from "./messages.ts";
import { isDedicated, numaDemand, placementFor } from "./numa.ts";

/** Fields that a host's record may lack. */
export interface HostExtras {
  readonly labels: Readonly<Record<string, string>>;
  /** Processor flags and traits of the host, in any spelling. */
  readonly features: readonly string[];
  readonly machineTypes: readonly string[];
  readonly drivers: HostDrivers | null;
  /** Builds that failed in a row. */
  readonly failedBuilds: number;
  /** Instances that are being built or moved there. */
  readonly ioOps: number;
  readonly instances: number;
  readonly storageId: string | null;
  readonly aggregates: readonly Aggregate[];
  readonly leaseHeld: boolean;
  /** What plug-ins say of the host, by the plug-in. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Plug-ins whose first facts are still to come. */
  readonly factsAwaited: readonly string[];
}

export type ReadHost = HostRecord & Partial<HostExtras>;

export interface FullDisk {
  readonly space: Space;
  readonly saidAtMs: number;
}

export interface HostView {
  readonly id: string;
  readonly name: string;
  readonly architecture: Architecture;
  readonly hypervisor: string;
  readonly hypervisorVersion: string;
  readonly accelerator: string;
  /** Capacity times the overcommit ratios; its disk is that of the storage that its guests' disks are on. */
  readonly capacity: Amounts;
  /** The store's sums, plus this controller's changes since. */
  readonly claimed: Amounts;
  readonly instances: number;
  readonly ioOps: number;
  /**
   * Whether the store counts `ioOps`; else a claim that is remembered here would weigh more than a stored
   * one.
   */
  readonly knowsIoOps: boolean;
  readonly failedBuilds: number;
  readonly pinnedCpus: number;
  /** Real CPUs, without overcommit; 0: the host does not report them. */
  readonly realCpus: number;
  readonly numa: readonly NumaNode[];
  /** What is claimed of each NUMA node. */
  readonly numaUse: readonly NumaUse[];
  readonly enabled: boolean;
  readonly disabledReason: string | null;
  readonly leaseHeld: boolean;
  readonly storageId: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly machineTypes: readonly string[];
  /** Null: the host has not said which. */
  readonly drivers: HostDrivers | null;
  /** By {@link featureKey}. */
  readonly features: ReadonlySet<string>;
  readonly aggregates: AggregateFacts;
  /** What plug-ins say of the host, by the plug-in; a plug-in that says nothing of it is absent. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Plug-ins whose first facts are still to come: their filters are not asked, and refuse. */
  readonly factsAwaited: readonly string[];
  /** Monotonic time of the newest sign of life. */
  readonly heardAtMs: number;
  /** The store's own mark of the newest sign of life: when it moves, some controller has heard the host. */
  readonly lastSeenAtMs: number;
  /** The full file system of the host, and when it said so to this controller (monotonic); else undefined. */
  readonly full: FullDisk | undefined;
  /** What it told of the file system of its guests' disks; undefined: nothing yet. */
  readonly room: ToldRoom | undefined;
  /** The record of which this view is made; undefined once a claim was counted beyond it. */
  readonly source: ReadHost | undefined;
}

export interface SchedulerState {
  /** In order of id. */
  readonly hosts: HostList<HostView>;
  /** Position in `hosts` by id; made anew when hosts are added or removed. */
  readonly positions: ReadonlyMap<string, number>;
  readonly pending: ClaimLog;
  /**
   * The round-robin position, raised by every ranking: rotates hosts of equal score, so that they share the
   * load without randomness.
   */
  readonly turn: number;
  /** When the read behind the present views began; undefined before the first. */
  readonly readAtMs: number | undefined;
  /** When hosts were last said to have changed: older views answer no question. */
  readonly changedAtMs: number;
  /** When the directory last passed on a read. */
  readonly toldAtMs: number;
  /** When the read under way began; undefined when none is. */
  readonly readingSinceMs: number | undefined;
  /** Questions for which no known host fits: answered by the next views. Bounded. */
  readonly waiting: readonly WaitingQuestion[];
}

/** The state before the first read; `turn` lets each controller begin at a different host. */
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
const noFacts: HostExtras["facts"] = {};

/** What a host says to this controller, and the store does not know. */
export type Said = Pick<HostView, "heardAtMs" | "full" | "room">;

/** The view of a record; the caller judges what the host has said. */
export function viewOf(record: ReadHost, said: Said, facts: FactsOfRead): HostView {
  const { numa } = record;
  return {
    id: record.id,
    name: record.name,
    architecture: record.architecture,
    hypervisor: record.hypervisor,
    hypervisorVersion: record.hypervisorVersion,
    accelerator: record.accelerator,
    capacity: {
      vcpus: record.vcpus,
      memoryMib: record.memoryMib,
      diskGib: record.storage?.diskGib ?? record.diskGib,
    },
    claimed: {
      vcpus: record.vcpusClaimed,
      memoryMib: record.memoryMibClaimed,
      diskGib: record.storage?.diskGibClaimed ?? record.diskGibClaimed,
    },
    instances: record.instances,
    ioOps: record.ioOps ?? 0,
    knowsIoOps: record.ioOps !== undefined,
    failedBuilds: record.failedBuilds ?? 0,
    pinnedCpus: record.pinnedCpus,
    realCpus: realCpusOf(numa),
    numa,
    numaUse: record.numaClaimed,
    enabled: record.enabled,
    disabledReason: record.disabledReason,
    leaseHeld: record.leaseHeld ?? !isFenced(record),
    storageId: record.storageId ?? null,
    labels: record.labels ?? noLabels,
    machineTypes: record.machineTypes ?? none,
    drivers: record.drivers ?? null,
    features: facts.features(record.features ?? none),
    aggregates: facts.aggregates(record.aggregates ?? none),
    facts: record.facts ?? noFacts,
    factsAwaited: record.factsAwaited ?? none,
    heardAtMs: said.heardAtMs,
    full: said.full,
    room: said.room,
    lastSeenAtMs: record.lastSeenAtMs,
    source: record,
  };
}

/** Whether two records give the same view, but for signs of life. Nested values are compared by identity. */
export function showsTheSame(one: ReadHost, other: ReadHost): boolean {
  if (one === other) return true;
  const same = seenFields.every((field) => one[field] === other[field]);
  return same && isFenced(one) === isFenced(other);
}

const isFenced = ({ lease }: ReadHost): boolean => (lease?.fencedBy ?? null) !== null;

/** The fields that {@link viewOf} uses, without the host lease and signs of life. */
const seenFields = [
  ...(["vcpusClaimed", "memoryMibClaimed", "diskGibClaimed", "instances", "ioOps"] as const),
  ...(["failedBuilds", "aggregates", "enabled", "disabledReason", "leaseHeld"] as const),
  ...(["vcpus", "memoryMib", "diskGib", "numa", "labels", "features", "machineTypes"] as const),
  ...(["storageId", "storage", "pinnedCpus", "numaClaimed", "drivers", "facts", "factsAwaited"] as const),
  ...(["id", "name", "architecture", "hypervisor", "hypervisorVersion", "accelerator"] as const),
] satisfies readonly (keyof ReadHost)[];

/**
 * The view with a claim more (sign 1) or less (-1). A disk on a storage that hosts share does not change the
 * view: the next read shows the disk, and the commit has the last word until then. If the claim names no NUMA
 * nodes, they are chosen here; a release that names none leaves its NUMA nodes taken until the next read.
 */
export function withClaim(view: HostView, claim: Claim, sign: 1 | -1): HostView {
  const { claimed } = view;
  const numa = claim.numa ?? (sign === 1 ? chosenFor(view, claim) : undefined);
  return {
    ...view,
    claimed: {
      vcpus: claimed.vcpus + sign * claim.vcpus,
      memoryMib: claimed.memoryMib + sign * claim.memoryMib,
      diskGib: claimed.diskGib + (view.storageId === null ? sign * claim.diskGib : 0),
    },
    instances: Math.max(0, view.instances + sign),
    ioOps: view.knowsIoOps ? Math.max(0, view.ioOps + sign) : view.ioOps,
    pinnedCpus: view.pinnedCpus + sign * (numa === undefined ? leavingCpus(claim, sign) : pinnedBy(numa)),
    numaUse: numa === undefined ? view.numaUse : useWith(view.numaUse, numa, sign),
    source: undefined,
  };
}

const leavingCpus = ({ extraSpecs, vcpus }: Claim, sign: 1 | -1): number =>
  sign === -1 && isDedicated(extraSpecs) ? vcpus : 0;

function chosenFor(view: HostView, claim: Claim): NumaPlacement | undefined {
  const demand = numaDemand(claim);
  return typeof demand === "object" ? placementFor(view, demand) : undefined;
}

/** The state with one host's view changed; an unknown host changes nothing. */
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

/** The state with so much more on the storages that hosts share. */
export function withStored(state: SchedulerState, stored: Stored): SchedulerState {
  if (stored.size === 0) return state;
  let { hosts } = state;
  for (const [position, view] of [...hosts].entries()) {
    const more = stored.get(view.storageId ?? "") ?? 0;
    if (more === 0) continue;
    const claimed = { ...view.claimed, diskGib: view.claimed.diskGib + more };
    hosts = hosts.with(position, { ...view, claimed, source: undefined });
  }
  return { ...state, hosts };
}

/** The state with a sign of life of one host: the most frequent change by far, and no weigher sees it. */
export function withHeard(
  state: SchedulerState,
  { hostId, full, room }: Extract<SchedulerMessage, { kind: "heard" }>,
  atMs: number,
): SchedulerState {
  const position = state.positions.get(hostId);
  const view = position === undefined ? undefined : state.hosts.at(position);
  if (position === undefined || view === undefined) return state;
  const said = full === undefined ? view.full : full === null ? undefined : { space: full, saidAtMs: atMs };
  const told = room === undefined ? view.room : withToldRoom(view, room, atMs);
  const heard = { ...view, heardAtMs: atMs, full: said, room: told };
  return { ...state, hosts: state.hosts.withSameWorth(position, heard) };
}

/** The state after no host could be heard for a while: hosts heard shortly before count as heard now. */
export function withAllHeard(state: SchedulerState, atMs: number): SchedulerState {
  let { hosts } = state;
  for (const [position, view] of [...hosts].entries())
    if (atMs - view.heardAtMs <= schedulerLimits.outageForgivenMs)
      hosts = hosts.withSameWorth(position, { ...view, heardAtMs: atMs });
  return { ...state, hosts };
}

/** The view of a host; undefined when it is not known. */
export const viewIn = ({ hosts, positions }: SchedulerState, hostId: string): HostView | undefined =>
  hosts.at(positions.get(hostId) ?? -1);
