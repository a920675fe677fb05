/** A store with events and operations that counts its reads, and controllers that wait at it. */
import { type CommitHint, Commits } from "../../../../actors/control/request/commits.ts";
import { Waits } from "../../../../actors/control/request/waits.ts";
import type { EventQuery } from "../../../../actors/ports/event-reads.ts";
import type { Commit, CommitResult } from "../../../../actors/records/commit.ts";
import type { OperationRecord } from "../../../../actors/records/instance.ts";
import { MemoryStore } from "../../../../db/memory/store.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";
import * as rows from "../../../support/store-rows.ts";

export const eventOf = (project: string, id = "i", noun = "instance"): Commit => ({
  events: [{ atMs: 1, project, noun, id, event: "accepted", body: {} }],
});

/** Makes an operation, or ends it, with its instance. */
export const operationOf = (id: string, version: number, ended: boolean): Commit => ({
  instances: [{ expectedVersion: version - 1, row: { ...rows.instance(id), version } }],
  operations: [rows.operation(id, id, ended ? { state: "done", endedAtMs: 2 } : {})],
  events: [{ atMs: 1, project: "demo", noun: "instance", id, event: "accepted", body: {} }],
});

export class WaitingWorld {
  readonly clock = new SimulatedClock();
  readonly told: CommitHint[] = [];
  readonly reads = { list: 0, lastSequence: 0, ended: 0 };
  /** Most reads that were under way at once. */
  atOnce = 0;
  readMs = 5;
  away = false;
  /** Reads of this project's events alone fail. */
  unreadable = "";
  readonly store = new MemoryStore(this.clock);
  readonly commits: Commits;
  readonly waits: Waits;
  /** Waits at the same store, and hears of commits only by hints. */
  readonly other: Waits;
  #underWay = 0;

  constructor() {
    const { store } = this;
    const read = async <T>(name: keyof WaitingWorld["reads"], work: () => Promise<T>): Promise<T> => {
      this.reads[name] += 1;
      this.#underWay += 1;
      this.atOnce = Math.max(this.atOnce, this.#underWay);
      try {
        const found = await work();
        await new Promise<void>((resolve) => this.clock.after(this.readMs, resolve));
        if (this.away) throw new Error("The store is away.");
        return found;
      } finally {
        this.#underWay -= 1;
      }
    };
    const counted = {
      commit: (commit: Commit): Promise<CommitResult> => store.commit(commit),
      events: {
        list: (query: EventQuery) =>
          read("list", async () => {
            if (query.project === this.unreadable) throw new Error("These events cannot be read.");
            return store.events.list(query);
          }),
        lastSequence: () => read("lastSequence", () => store.events.lastSequence()),
      },
      operations: {
        ended: (ids: readonly string[]): Promise<readonly OperationRecord[]> =>
          read("ended", () => store.operations.ended(ids)),
      },
    };
    this.waits = new Waits(counted, this.clock);
    this.other = new Waits(counted, this.clock);
    this.commits = new Commits(counted, (hint) => this.told.push(hint), this.waits);
  }

  until(ms = 30_000, signal: AbortSignal = new AbortController().signal) {
    return { deadlineMs: this.clock.monotonicMs() + ms, signal };
  }

  forgetReads(): void {
    Object.assign(this.reads, { list: 0, lastSequence: 0, ended: 0 });
    this.atOnce = 0;
  }
}

/** What a promise has become, once time has passed. */
export function outcomeOf<T>(promise: Promise<T>): { value?: T; error?: unknown } {
  const outcome: { value?: T; error?: unknown } = {};
  promise.then(
    (value) => {
      outcome.value = value;
    },
    (error: unknown) => {
      outcome.error = error;
    },
  );
  return outcome;
}
