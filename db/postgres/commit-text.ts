/**
 * Commits on their way to the function `novact_commit` (db/sql/commit.sql), and their results on the way
 * back. A commit becomes a text for each of its lists, so that many commits can be merged into one without
 * looking at them again. Pure.
 */
import type { Commit, CommitResult, Rehearsed } from "../../actors/records/commit.ts";
import { deletingOf, groupedOf, usageOf } from "../rows/placement-changes.ts";
import { rowLists } from "../rows/row-changes.ts";
import { storableJson } from "../rows/storable.ts";

export interface EncodedCommit {
  /** Elements of each list that is not empty, as JSON, separated by commas. */
  readonly lists: ReadonlyMap<string, string>;
  readonly events: number;
  readonly bytes: number;
  /** It may be merged with others: it is about instances, or about hosts that register. */
  readonly mergeable: boolean;
  /** Names of the instances and hosts whose own rows it writes. */
  readonly writes: readonly string[];
}

const mergeableLists: ReadonlySet<string> = new Set([
  "requests",
  "created",
  "updated",
  "hosts",
  "leasesGranted",
  "machines",
  "machinesGone",
  "claims",
  "claimsReleased",
  "operations",
  "buildsEnded",
  "events",
  "fencesExpected",
  "usage",
  "deleting",
  "grouped",
]);

/**
 * New instances apart from changed ones; the answer as a text, so that it stays as it is; and what follows
 * from the rows for quotas and groups (placement-commit.ts). Merged commits are checked for what all of them
 * do: when that breaks a rule, they go apart.
 */
export function encodeTurn(commit: Commit): EncodedCommit {
  const { request, instances = [], rows = [], ...rest } = commit;
  const answer = storableJson(request?.answer ?? null);
  const lists = new Map<string, string>();
  const all: Readonly<Record<string, readonly unknown[] | undefined>> = {
    requests: request === undefined ? [] : [{ ...request, answer }],
    created: instances.filter(({ expectedVersion }) => expectedVersion === 0).map(({ row }) => row),
    updated: instances.filter(({ expectedVersion }) => expectedVersion > 0).map(({ row }) => row),
    ...rest,
    ...rowLists(rows),
    usage: usageOf(commit),
    deleting: deletingOf(commit),
    grouped: groupedOf(commit),
  };
  let bytes = 0;
  for (const [name, list] of Object.entries(all)) {
    if (list === undefined || list.length === 0) continue;
    const text = storableJson(list).slice(1, -1);
    lists.set(name, text);
    bytes += text.length;
  }
  const mergeable = [...lists.keys()].every((name) => mergeableLists.has(name));
  return { lists, events: commit.events?.length ?? 0, bytes, mergeable, writes: writesOf(commit) };
}

function writesOf({ instances = [], hosts = [], leasesGranted = [] }: Commit): string[] {
  const ofHosts = [...hosts, ...leasesGranted].map(({ hostId }) => `host ${hostId}`);
  return [...instances.map(({ row }) => row.id), ...ofHosts];
}

/** One commit that does what all of these do, as the text of a batch of one. */
export function mergedText(commits: readonly EncodedCommit[]): string {
  const merged = new Map<string, string[]>();
  for (const { lists } of commits) {
    for (const [name, text] of lists) {
      const texts = merged.get(name);
      if (texts === undefined) merged.set(name, [text]);
      else texts.push(text);
    }
  }
  return `[${commitText([...merged].map(([name, texts]) => [name, texts.join(",")]))}]`;
}

export function apartText(commits: readonly EncodedCommit[]): string {
  return `[${commits.map(({ lists }) => commitText([...lists])).join(",")}]`;
}

function commitText(lists: readonly (readonly [string, string])[]): string {
  return `{${lists.map(([name, text]) => `"${name}":[${text}]`).join(",")}}`;
}

/**
 * What `novact_commit` says of one commit. `failed`: PostgreSQL refused it for a reason that no result has.
 */
export type CommitOutcome =
  | Exclude<CommitResult, { kind: "duplicate" }>
  | {
      readonly kind: "duplicate";
      readonly request: {
        readonly project: string;
        readonly requestId: string;
        readonly contentHash: string;
        /** JSON. */
        readonly answer: string;
        readonly atMs: number;
      };
    }
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly constraint: string };

/**
 * The outcome of each of the commits that were merged, when the merged one was committed; otherwise
 * undefined.
 */
export function splitOutcome(
  merged: CommitOutcome | undefined,
  commits: readonly EncodedCommit[],
): readonly CommitOutcome[] | undefined {
  if (merged?.kind !== "committed") return undefined;
  let sequence = merged.lastSequence - commits.reduce((sum, { events }) => sum + events, 0);
  return commits.map(({ events }) => {
    sequence += events;
    return { kind: "committed", lastSequence: events === 0 ? 0 : sequence };
  });
}

/** What `novact_rehearse` says of a commit. */
export type RehearsalOutcome = Exclude<CommitOutcome, { kind: "committed" }> | { readonly kind: "possible" };

export function resultOf(outcome: Exclude<CommitOutcome, { kind: "failed" }>): CommitResult {
  return outcome.kind === "committed" ? outcome : refusalOf(outcome);
}

/** The refusal in the outcome of a commit, or of its rehearsal. */
export function refusalOf(
  outcome: Exclude<CommitOutcome, { kind: "failed" | "committed" }>,
): Exclude<Rehearsed, { kind: "possible" }> {
  if (outcome.kind !== "duplicate") return outcome;
  const answer: unknown = JSON.parse(outcome.request.answer);
  return { kind: "duplicate", request: { ...outcome.request, answer } };
}
