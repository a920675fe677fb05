/**
 * Wakes callers in this process that wait for a durable change, and tells other controllers by a hint. Hints
 * may be lost: every waiter also looks again by itself after a while. It adds nothing to a commit itself.
 */
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { InstanceRow, Store } from "../../ports/store.ts";
import type { Commit, CommitResult } from "../../records/commit.ts";
import type { OperationRecord } from "../../records/instance.ts";
import { requestLimits } from "./limits.ts";

/** A controller's hint to the other controllers after a commit. */
export interface CommitHint {
  readonly lastSequence: number;
  /** Ids of operations that ended. */
  readonly ended: readonly string[];
  /** Projects that have new events. */
  readonly projects: readonly string[];
}

/** An operation that has ended. */
export interface Ended {
  readonly operation: OperationRecord;
  /** Its instance after the commit that ended the operation, if this process made that commit. */
  readonly row?: InstanceRow | undefined;
}

type Topic = string;
type Wake = (ended?: Ended) => void;
const anything: Topic = "*";
/** Topic of a project's events; no operation id contains a blank. */
const eventsOf = (project: string): Topic => `events ${project}`;

export class Commits {
  readonly #store: Pick<Store, "commit">;
  readonly #clock: Clock;
  readonly #waiting = new Map<Topic, Set<Wake>>();
  /** Operations that began here and have not ended, as far as heard: a waiter need not read them first. */
  readonly #running = new Set<string>();
  readonly #onCommit: (hint: CommitHint) => void;
  #untold: { lastSequence: number; readonly ended: string[]; readonly projects: Set<string> } | undefined;

  /**
   * `onCommit`: called after commits of this process that have events, once for commits that come together;
   * it tells the publisher and the other controllers.
   */
  constructor(store: Pick<Store, "commit">, clock: Clock, onCommit: (hint: CommitHint) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#onCommit = onCommit;
  }

  readonly commit = async (commit: Commit): Promise<CommitResult> => {
    const result = await this.#store.commit(commit);
    if (result.kind === "committed" && result.lastSequence > 0) {
      for (const operation of commit.operations ?? []) {
        if (hasEnded(operation)) this.#end(operation.id, { operation, row: rowOf(commit, operation) });
        else this.#begin(operation.id);
      }
      const projects = new Set(commit.events?.map(({ project }) => project));
      this.#wakeWatchers(projects);
      this.#tell(result.lastSequence, (commit.operations ?? []).filter(hasEnded), projects);
    }
    return result;
  };

  /** Takes a hint that another controller committed something. */
  hint({ ended, projects }: CommitHint): void {
    for (const id of ended) this.#end(id);
    this.#wakeWatchers(projects);
  }

  /**
   * Wakes only watchers whose project has new events: a look costs a read, and most watchers are idle most of
   * the time.
   */
  #wakeWatchers(projects: Iterable<string>): void {
    for (const project of projects) this.#wake(eventsOf(project));
    this.#wake(anything);
  }

  #begin(operationId: string): void {
    this.#running.add(operationId);
    if (this.#running.size <= requestLimits.operationsNotedMax) return;
    for (const oldest of this.#running) return void this.#running.delete(oldest);
  }

  #end(operationId: string, ended?: Ended): void {
    this.#running.delete(operationId);
    this.#wake(operationId, ended);
  }

  #wake(topic: Topic, ended?: Ended): void {
    const waiting = this.#waiting.get(topic);
    if (waiting === undefined) return;
    this.#waiting.delete(topic);
    for (const wake of waiting) wake(ended);
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

  /** Waits for the end of an operation; undefined when the deadline comes first. */
  untilEnded(
    operationId: string,
    read: () => Promise<OperationRecord | undefined>,
    until: WaitOptions,
  ): Promise<Ended | undefined> {
    const look = async (): Promise<Ended | undefined> => {
      const operation = await read();
      return operation !== undefined && hasEnded(operation) ? { operation } : undefined;
    };
    return this.#until<Ended>(operationId, { look, take: (ended) => ended }, until);
  }

  /**
   * Calls `look` now and after every commit with events of the project (absent: of any project), until it
   * answers something; undefined when the deadline comes first.
   */
  until<T>(
    look: () => Promise<T | undefined>,
    until: WaitOptions & { readonly project?: string },
  ): Promise<T | undefined> {
    const topic = until.project === undefined ? anything : eventsOf(until.project);
    return this.#until<T>(topic, { look, take: () => undefined }, until);
  }

  /**
   * No change between two looks is missed: a hint during a look causes another one. An operation known to run
   * is not looked at before the first hint.
   */
  async #until<T>(
    topic: Topic,
    { look, take }: Sources<T>,
    { deadlineMs, signal }: WaitOptions,
  ): Promise<T | undefined> {
    for (let runs = this.#running.has(topic); ; runs = false) {
      const hinted = this.#next(topic, { deadlineMs, signal });
      try {
        const found = runs ? undefined : await look();
        const over = signal.aborted || this.#clock.monotonicMs() >= deadlineMs;
        if (found !== undefined || (over && !runs)) return found;
        const told = take(await hinted.woken);
        if (told !== undefined) return told;
      } finally {
        hinted.cancel();
      }
    }
  }

  #next(
    topic: Topic,
    { deadlineMs, signal }: WaitOptions,
  ): { readonly woken: Promise<Ended | undefined>; cancel(): void } {
    const { promise, resolve: wake } = Promise.withResolvers<Ended | undefined>();
    const resolve = () => wake(undefined);
    const remainingMs = Math.max(0, deadlineMs - this.#clock.monotonicMs());
    const timer = this.#clock.after(Math.min(remainingMs, requestLimits.lookAgainMs), resolve);
    const waiting = this.#waiting.get(topic) ?? new Set<Wake>();
    this.#waiting.set(topic, waiting.add(wake));
    signal.addEventListener("abort", resolve, { once: true });
    const cancel = () => {
      timer.cancel();
      signal.removeEventListener("abort", resolve);
      waiting.delete(wake);
      if (waiting.size === 0 && this.#waiting.get(topic) === waiting) this.#waiting.delete(topic);
    };
    return { woken: promise, cancel };
  }
}

export interface WaitOptions {
  /** On the monotonic clock. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

interface Sources<T> {
  readonly look: () => Promise<T | undefined>;
  /** The answer that a hint already contains. */
  readonly take: (ended: Ended | undefined) => T | undefined;
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
