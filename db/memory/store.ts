/**
 * The Store on Maps: for tests and the simulator. Deterministic: no timer, no randomness, every call ends in
 * one microtask. It keeps the promises of the port within one process, and must pass the same contract as
 * PostgreSQL. Several controllers of a simulated cell share one of these; close() therefore changes nothing.
 */
import type { Store } from "../../actors/ports/store.ts";
import type { Commit, CommitResult, Rehearsed } from "../../actors/records/commit.ts";
import type { Clock } from "../../protocol/wire/transport.ts";
import { Tables } from "../rows/tables.ts";
import { MemoryAggregateReads } from "./aggregate-reads.ts";
import { applyCommit, rehearseCommit } from "./apply.ts";
import { MemoryEventReads } from "./event-reads.ts";
import { MemoryHostReads } from "./host-reads.ts";
import { MemoryInstanceReads } from "./instance-reads.ts";
import { MemoryNetworkingReads } from "./networking-reads.ts";
import { MemoryOperationReads } from "./operation-reads.ts";
import { pruneTables } from "./prune.ts";
import { MemoryQuotaReads } from "./quota-reads.ts";
import { MemoryRowReads } from "./row-reads.ts";
import { MemoryServerGroupReads } from "./server-group-reads.ts";
import { MemorySignsOfLife } from "./signs-of-life.ts";

export class MemoryStore implements Store {
  readonly #tables = new Tables();
  readonly #clock: Pick<Clock, "nowMs">;
  readonly instances = new MemoryInstanceReads(this.#tables);
  readonly operations = new MemoryOperationReads(this.#tables);
  readonly events = new MemoryEventReads(this.#tables);
  readonly rows = new MemoryRowReads(this.#tables);
  readonly hosts = new MemoryHostReads(this.#tables);
  readonly signsOfLife = new MemorySignsOfLife(this.#tables);
  readonly aggregates = new MemoryAggregateReads(this.#tables);
  readonly serverGroups = new MemoryServerGroupReads(this.#tables);
  readonly quotas = new MemoryQuotaReads(this.#tables);
  readonly networking = new MemoryNetworkingReads(this.#tables);

  /** The clock dates the registration of hosts, nothing else. */
  constructor(clock: Pick<Clock, "nowMs">) {
    this.#clock = clock;
  }

  async commit(commit: Commit): Promise<CommitResult> {
    return applyCommit(this.#tables, commit, this.#clock.nowMs());
  }

  async rehearse(commit: Commit): Promise<Rehearsed> {
    return rehearseCommit(this.#tables, commit, this.#clock.nowMs());
  }

  async prune(nowMs: number): Promise<number> {
    return pruneTables(this.#tables, nowMs);
  }

  async close(): Promise<void> {
    return Promise.resolve();
  }
}
