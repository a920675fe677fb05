/**
 * Commits of this process, and hints of those of other controllers: wakes callers that wait for a durable
 * change (event-waits.ts, operation-waits.ts), and tells other controllers. Hints may be lost. It adds
 * nothing to a commit itself.
 */
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { InstanceRow, Store } from "../../ports/store.ts";
import type { Commit, CommitResult } from "../../records/commit.ts";
import type { OperationRecord } from "../../records/instance.ts";
import { EventWaits } from "./event-waits.ts";
import { requestLimits } from "./limits.ts";
import { type Ended, OperationWaits } from "./operation-waits.ts";
import type { WaitOptions } from "./shared-reads.ts";

/** A controller's hint to the other controllers after a commit. */
export interface CommitHint {
  readonly lastSequence: number;
  /** Ids of operations that ended. */
  readonly ended: readonly string[];
  /** Projects that have new events. */
  readonly projects: readonly string[];
}

export class Commits {
  readonly events: EventWaits;
  readonly #store: Pick<Store, "commit">;
  readonly #operations: OperationWaits;
  /** Operations that began here and have not ended, as far as heard: a waiter need not read them first. */
  readonly #running = new Set<string>();
  readonly #onCommit: (hint: CommitHint) => void;
  #untold: { lastSequence: number; readonly ended: string[]; readonly projects: Set<string> } | undefined;

  /**
   * `onCommit`: called after commits of this process that have events, once for commits that come together;
   * it tells the publisher and the other controllers.
   */
  constructor(
    store: Pick<Store, "commit" | "listEvents" | "lastSequence" | "listEndedOperations">,
    clock: Clock,
    onCommit: (hint: CommitHint) => void,
  ) {
    this.#store = store;
    this.events = new EventWaits(store, clock);
    this.#operations = new OperationWaits(store, clock);
    this.#onCommit = onCommit;
  }

  readonly commit = async (commit: Commit): Promise<CommitResult> => {
    const result = await this.#store.commit(commit);
    if (result.kind === "committed" && result.lastSequence > 0) {
      for (const operation of commit.operations ?? []) {
        if (hasEnded(operation)) this.#ended({ operation, row: rowOf(commit, operation) });
        else this.#begin(operation.id);
      }
      const projects = new Set(commit.events?.map(({ project }) => project));
      this.events.committed(projects);
      this.#tell(result.lastSequence, (commit.operations ?? []).filter(hasEnded), projects);
    }
    return result;
  };

  /** Takes a hint that another controller committed something. */
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

  /** Collects commits of one moment, which come one after the other, into one hint. */
  #tell(lastSequence: number, ended: readonly OperationRecord[], projects: ReadonlySet<string>): void {
    const ids = ended.map(({ id }) => id);
    if (this.#untold !== undefined) {
      this.#untold.lastSequence = Math.max(this.#untold.lastSequence, lastSequence);
      this.#untold.ended.push(...ids);
      for (const project of projects) this.#untold.projects.add(project);
      return;
    }
    this.#untold = { lastSequence, ended: ids, projects: new Set(projects) };
    queueMicrotask(() => {
      const hint = this.#untold;
      this.#untold = undefined;
      if (hint !== undefined) this.#onCommit({ ...hint, projects: [...hint.projects] });
    });
  }
}

/** The instance and its machine from a commit; undefined when the commit does not have both. */
function rowOf({ instances, machines }: Commit, { instanceId }: OperationRecord): InstanceRow | undefined {
  const instance = instances?.find(({ row }) => row.id === instanceId)?.row;
  const machine = machines?.find(
    (one) => one.instanceId === instanceId && one.ownerEpoch === instance?.ownerEpoch,
  );
  return instance === undefined || machine === undefined ? undefined : { instance, machine };
}

function hasEnded(operation: OperationRecord): boolean {
  return operation.state !== "running";
}
