/**
 * Commits of this process: wakes who waits for them here (waits.ts), and tells the other controllers by
 * hints, which may be lost. Here they are counted, by their results. It adds nothing to a commit itself.
 */
import type { Store } from "../../ports/store.ts";
import type { Commit, CommitResult } from "../../records/commit.ts";
import type { OperationRecord } from "../../records/instance.ts";
import { type Meter, nullMeter } from "../../runtime/meter.ts";

/** A controller's hint to the other controllers after a commit. */
export interface CommitHint {
  readonly lastSequence: number;
  /** Ids of operations that ended. */
  readonly ended: readonly string[];
  /** Projects that have new events. */
  readonly projects: readonly string[];
}

/** Who is told of each commit of this process that has events. */
interface Waiting {
  committed(commit: Commit): void;
}

export class Commits {
  readonly #store: Pick<Store, "commit">;
  readonly #onCommit: (hint: CommitHint) => void;
  readonly #waits: Waiting | undefined;
  readonly #meter: Meter;
  #untold: { lastSequence: number; readonly ended: string[]; readonly projects: Set<string> } | undefined;

  /**
   * `onCommit`: called after commits of this process that have events, once for commits that come together;
   * it tells the publisher and the other controllers. `waits`: those in this process who wait, if any can.
   */
  constructor(
    store: Pick<Store, "commit">,
    onCommit: (hint: CommitHint) => void,
    waits?: Waiting,
    meter: Meter = nullMeter,
  ) {
    this.#store = store;
    this.#onCommit = onCommit;
    this.#waits = waits;
    this.#meter = meter;
    meter.zero("novact_commits_total");
  }

  readonly commit = async (commit: Commit): Promise<CommitResult> => {
    let result: CommitResult;
    try {
      result = await this.#store.commit(commit);
    } catch (thrown) {
      this.#meter.count("novact_commits_total", { result: "failed" });
      throw thrown;
    }
    this.#meter.count("novact_commits_total", { result: result.kind });
    if (result.kind === "committed" && result.lastSequence > 0) {
      this.#waits?.committed(commit);
      this.#tell(result.lastSequence, commit);
    }
    return result;
  };

  /** Collects commits of one moment, which come one after the other, into one hint. */
  #tell(lastSequence: number, { operations = [], events = [] }: Commit): void {
    const first = this.#untold === undefined;
    const hint = this.#untold ?? { lastSequence, ended: [], projects: new Set<string>() };
    this.#untold = hint;
    hint.lastSequence = Math.max(hint.lastSequence, lastSequence);
    hint.ended.push(...operations.filter(hasEnded).map(({ id }) => id));
    for (const { project } of events) hint.projects.add(project);
    if (!first) return;
    queueMicrotask(() => {
      this.#untold = undefined;
      this.#onCommit({ ...hint, projects: [...hint.projects] });
    });
  }
}

export function hasEnded(operation: OperationRecord): boolean {
  return operation.state !== "running";
}
