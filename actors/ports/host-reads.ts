/** What can be read of hosts, and of the claims on them. Types only. */
import type { NumaUse } from "../../protocol/numa.ts";
import type { HostRecord, SharedStorage } from "../records/host.ts";
import type { PageQuery } from "./pages.ts";

/** Sums of the claim rows of one host, and of the volumes on its own disk. */
export interface ClaimTotal {
  readonly hostId: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly instances: number;
  /** What volumes take of its own disk, beside the claim rows. */
  readonly volumeGib: number;
  readonly pinnedCpus: number;
  readonly numaClaimed: readonly NumaUse[];
}

/** A storage that hosts share. */
export interface StorageTotal extends SharedStorage {
  readonly storageId: string;
  /** The sum over the rows of the instances and volumes that are on it, of the same moment. */
  readonly diskGibCounted: number;
}

export interface HostReads {
  get(hostId: string): Promise<HostRecord | undefined>;
  /** Ids of hosts that are drained or have an operation under way; after `marker`, in order of id. */
  atWork(query: PageQuery): Promise<readonly string[]>;
  /** The host with this id; else the hosts with this name, in order of id, at most a page of them. */
  called(key: string): Promise<readonly HostRecord[]>;
  list(query: PageQuery): Promise<readonly HostRecord[]>;
  /**
   * Every host, in order of id, with its present host lease. Made for callers that read again and again: only
   * hosts that changed since the last call are read anew.
   */
  all(): Promise<readonly HostRecord[]>;
  /** For the doctor: sums of the claim rows, by host. */
  claimTotals(): Promise<readonly ClaimTotal[]>;
  /** For the doctor: every storage that hosts share, in order of id. */
  storageTotals(): Promise<readonly StorageTotal[]>;
}
