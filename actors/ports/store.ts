/**
 * The store, as the actors see it: one way to commit, and a port for each noun that can be read. PostgreSQL
 * and the memory of the simulator implement it and pass one contract suite. Types only.
 */
import type { Commit, CommitResult, Rehearsed } from "../records/commit.ts";
import type { AggregateReads } from "./aggregate-reads.ts";
import type { EventReads } from "./event-reads.ts";
import type { HostReads } from "./host-reads.ts";
import type { InstanceReads } from "./instance-reads.ts";
import type { NetworkingReads } from "./networking-reads.ts";
import type { OperationReads } from "./operation-reads.ts";
import type { QuotaReads } from "./quota-reads.ts";
import type { JoinedReads, RowReads } from "./row-reads.ts";
import type { ServerGroupReads } from "./server-group-reads.ts";
import type { SignsOfLife } from "./signs-of-life.ts";

/** The one writer of commits, as it is shown to people who debug. */
export interface WriterPicture {
  /** Commits in its queue. */
  readonly waiting: number;
  /** Commits in the batch under way; 0: none is. */
  readonly writing: number;
  /** For how long that batch has been under way. */
  readonly writingMs: number;
}

/** Reads see every commit that was acknowledged before. Every method @throws UNAVAILABLE storeUnavailable */
export interface StorePorts {
  readonly instances: InstanceReads;
  readonly operations: OperationReads;
  readonly events: EventReads;
  /** Of all resources: flavors, images, server groups, aggregates, key pairs. */
  readonly rows: RowReads & JoinedReads;
  readonly hosts: HostReads;
  readonly signsOfLife: SignsOfLife;
  readonly aggregates: AggregateReads;
  readonly serverGroups: ServerGroupReads;
  readonly quotas: QuotaReads;
  readonly networking: NetworkingReads;
}

/** The methods of ports that somebody needs, by port: `StorePart<{ hosts: "get" | "called" }>`. */
export type StorePart<Wanted extends { readonly [Port in keyof StorePorts]?: keyof StorePorts[Port] }> = {
  readonly [Port in keyof Wanted & keyof StorePorts]: Pick<
    StorePorts[Port],
    Extract<Wanted[Port], keyof StorePorts[Port]>
  >;
};

/** PostgreSQL, or the memory store. @throws UNAVAILABLE storeUnavailable */
export interface Store extends StorePorts {
  /**
   * Applies a commit durably: when it resolves, the change survives the loss of every process (I4). Commits
   * of one process that wait at the same time share one transaction; each still succeeds or fails alone.
   * @throws RESOURCE_EXHAUSTED commitQueueFull; UNAVAILABLE storeUnavailable (may have been committed: load
   * and look)
   */
  commit(commit: Commit): Promise<CommitResult>;

  /**
   * What `commit` would answer now, by the same rules: everything is done and taken back. Nothing is changed,
   * and nothing is promised. @throws UNAVAILABLE storeUnavailable
   */
  rehearse(commit: Commit): Promise<Rehearsed>;

  /** Removes rows that are older than their retention (the limits of the store); answers how many. */
  prune(nowMs: number): Promise<number>;
  close(): Promise<void>;
}
