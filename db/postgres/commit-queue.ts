/**
 * The commits that wait for their batch, in two lines: what clients asked for, and what the system does by
 * itself (observations of hosts, fences, recoveries, deadlines). Each batch has room for both, so that a
 * thousand creates do not hold up the news of hosts, nor a thousand reports the commands of clients. It keeps
 * the order within a line, and sends nothing.
 */
import type { EncodedCommit } from "./commit-text.ts";
import { postgresLimits } from "./limits.ts";

export interface Queued {
  readonly commit: EncodedCommit;
  /** Whether a client asked for it: then it has an idempotency key. */
  readonly asked: boolean;
}

export class CommitQueue<Q extends Queued> {
  #asked: Q[] = [];
  #own: Q[] = [];
  /** The line that has the greater part of the next batch. */
  #askedFirst = false;

  get length(): number {
    return this.#asked.length + this.#own.length;
  }

  push(one: Q): void {
    (one.asked ? this.#asked : this.#own).push(one);
  }

  /** Puts commits back before all others, in their order. */
  putBack(commits: readonly Q[]): void {
    this.#asked = [...commits.filter(({ asked }) => asked), ...this.#asked];
    this.#own = [...commits.filter(({ asked }) => !asked), ...this.#own];
  }

  /** Keeps those for which `keep` is true. */
  filter(keep: (one: Q) => boolean): void {
    this.#asked = this.#asked.filter(keep);
    this.#own = this.#own.filter(keep);
  }

  /**
   * Takes the next batch. A commit that cannot be merged goes alone; two commits of one instance or host
   * never share a batch, so that they, and their events, keep their order. The lines take turns in being
   * first: one that begins with a commit that goes alone cannot keep the other waiting.
   */
  take(): Q[] {
    const [first, second] = this.#askedFirst ? [this.#asked, this.#own] : [this.#own, this.#asked];
    this.#askedFirst = !this.#askedFirst;
    const share = postgresLimits.commitBatchMax - postgresLimits.commitBatchOtherMin;
    const most = Math.max(share, postgresLimits.commitBatchMax - second.length);
    const offered = [...first.slice(0, most), ...second.slice(0, postgresLimits.commitBatchMax)];
    const batch = new Set(fitting(offered));
    this.filter((one) => !batch.has(one));
    return [...batch];
  }
}

/** As many of these, from the front, as may go together. */
function fitting<Q extends Queued>(offered: readonly Q[]): Q[] {
  const written = new Set<string>();
  let bytes = 0;
  let count = 0;
  for (const { commit } of offered) {
    bytes += commit.bytes;
    const full = count === postgresLimits.commitBatchMax || bytes > postgresLimits.commitBatchBytesMax;
    if (count > 0 && (full || !commit.mergeable || commit.writes.some((name) => written.has(name)))) break;
    for (const name of commit.writes) written.add(name);
    count += 1;
    if (!commit.mergeable) break;
  }
  return offered.slice(0, count);
}
