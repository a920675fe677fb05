/**
 * Everything that waits for a durable change at this controller: woken by its own commits and by hints of
 * others. Hints may be lost; then what is waited for is found a little later.
 */
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { InstanceRow } from "../../ports/instance-reads.ts";
import type { StorePart } from "../../ports/store.ts";
import type { Commit } from "../../records/commit.ts";
import type { OperationRecord } from "../../records/instance.ts";
import { type CommitHint, hasEnded } from "./commits.ts";
import { EventWaits } from "./event-waits.ts";
import { requestLimits } from "./limits.ts";
import { type Ended, OperationWaits } from "./operation-waits.ts";
import type { WaitOptions } from "./shared-reads.ts";

export class Waits {
  readonly events: EventWaits;
  readonly #operations: OperationWaits;
  /** Operations that began here and have not ended, as far as heard: a waiter need not read them first. */
  readonly #running = new Set<string>();

  constructor(store: StorePart<{ events: "list" | "lastSequence"; operations: "ended" }>, clock: Clock) {
    this.events = new EventWaits(store, clock);
    this.#operations = new OperationWaits(store, clock);
  }

  /** A commit of this process with events has happened. */
  committed(commit: Commit): void {
    for (const operation of commit.operations ?? []) {
      if (hasEnded(operation)) this.#ended({ operation, row: rowOf(commit, operation) });
      else this.#begin(operation.id);
    }
    this.events.committed(new Set(commit.events?.map(({ project }) => project)));
  }

  /** Takes a hint of a commit by another controller or thread. */
  hint({ ended, projects }: CommitHint): void {
    for (const id of ended) this.#running.delete(id);
    this.#operations.hinted(ended);
    this.events.committed(projects);
  }

  /**
   * Waits until all of these operations have ended; answers those that have, which at the deadline are not
   * all.
   */
  untilEnded(ids: readonly string[], until: WaitOptions): Promise<ReadonlyMap<string, Ended>> {
    return this.#operations.until(ids, (id) => this.#running.has(id), until);
  }

  #begin(operationId: string): void {
    this.#running.add(operationId);
    if (this.#running.size <= requestLimits.operationsNotedMax) return;
    for (const oldest of this.#running) return void this.#running.delete(oldest);
  }

  #ended(ended: Ended): void {
    this.#running.delete(ended.operation.id);
    this.#operations.ended(ended);
  }
}

/** The instance and its machine from a commit; undefined when the commit does not have both. */
function rowOf({ instances, machines }: Commit, { entityId }: OperationRecord): InstanceRow | undefined {
  const instance = instances?.find(({ row }) => row.id === entityId)?.row;
  const machine = machines?.find(
    (one) => one.instanceId === entityId && one.ownerEpoch === instance?.ownerEpoch,
  );
  return instance === undefined || machine === undefined ? undefined : { instance, machine };
}
