/** What can be read of instances, their machines and their claims. Types only. */
import type { InstanceRecord, LoadedInstance, MachineKey, MachineRecord } from "../records/instance.ts";
import type { OrderedQuery, Page, PageQuery } from "./pages.ts";

/** What passes every filter that is given; a list of values passes what has any of them. */
export interface InstanceQuery extends OrderedQuery {
  /** Absent: of every project. */
  readonly project?: string;
  readonly ids?: readonly string[];
  readonly names?: readonly string[] | undefined;
  /** As in the request: `*`, `?` and `\` have a meaning. */
  readonly namePattern?: string;
  readonly states?: readonly string[] | undefined;
  readonly hostIds?: readonly string[] | undefined;
  /** Ids or names, as the instance has them. */
  readonly flavors?: readonly string[];
  readonly images?: readonly string[];
  readonly serverGroupIds?: readonly string[] | undefined;
  /** Pairs of metadata; an instance must have all. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly createdAfterMs?: number;
  readonly createdBeforeMs?: number;
  readonly changedSinceMs?: number;
  readonly deleted?: boolean;
  readonly locked?: boolean;
}

export interface InstanceRow {
  readonly instance: InstanceRecord;
  /** The machine of the instance's present owner epoch. */
  readonly machine: MachineRecord | undefined;
}

export interface Whereabouts extends Pick<InstanceRecord, "hostId" | "desired"> {
  readonly instanceId: string;
}

/** A machine that a host may report, as it is stored. */
export interface ReportedMachine extends MachineKey {
  /** The host that has the claim of this owner epoch; null: nobody has. */
  readonly claimedBy: string | null;
  /** Null: no observation of this owner epoch is stored. */
  readonly seen: Pick<MachineRecord, "hostId" | "generation" | "state"> | null;
}

export interface InstanceReads {
  /** With its operation under way, machines and claims, all of one moment. */
  load(id: string): Promise<LoadedInstance | undefined>;
  get(id: string): Promise<InstanceRow | undefined>;
  /** Ordered by id, that is by time of creation. */
  list(query: InstanceQuery): Promise<Page<InstanceRow>>;
  /** Ids of instances that are not settled or have an operation under way; after `marker`, in order of id. */
  unsettled(query: PageQuery): Promise<readonly string[]>;
  /** The instances among `ids` that are not deleted; in order of id. */
  whereabouts(ids: readonly string[]): Promise<readonly Whereabouts[]>;
  /** Ids of instances that have a claim or machine on a host. */
  onHost(hostId: string): Promise<readonly string[]>;
  /**
   * What is stored of these machines, in no order, each once; those of instances that do not exist are left
   * out. One read, however many they are.
   */
  reported(keys: readonly MachineKey[]): Promise<readonly ReportedMachine[]>;
  /**
   * Ids of instances that may start elsewhere because their host is fenced, highest priority first; at most
   * `atOnceMax` less the recoveries that are under way already.
   */
  toRecover(atOnceMax: number): Promise<readonly string[]>;
}
