/**
 * Commits on their way to the function `novact_commit` (db/sql/commit.sql), and their results on the way
 * back. A commit becomes a text for each of its lists, so that many commits can be merged into one without
 * looking at them again. Pure.
 */
import type { Commit, CommitResult, InstanceChange, Rehearsed } from "../../actors/records/commit.ts";
import { deletingOf, groupedOf, usageOf, zonedOf } from "../rows/placement-changes.ts";
import { limitsGiven } from "../rows/quota-limits.ts";
import { rowLists } from "../rows/row-changes.ts";
import { storableJson } from "../rows/storable.ts";

export interface EncodedCommit {
  /** Elements of each list that is not empty, as JSON, separated by commas. */
  readonly lists: ReadonlyMap<string, string>;
  readonly events: number;
  readonly bytes: number;
  /** It may be merged with others: it is about instances, or about hosts that register. */
  readonly mergeable: boolean;
  /** The commit only gives back: no rule refuses it for what others of its batch have. */
  readonly frees: boolean;
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
  "zoned",
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
    created: instances.filter(({ expectedVersion }) => expectedVersion === 0).map(madeRow),
    updated: instances.filter(({ expectedVersion }) => expectedVersion > 0).map(({ row }) => row),
    ...rest,
    quotas: commit.quotas?.map((one) => ({ ...limitsGiven(one), project: one.project })),
    ...rowLists(rows),
    usage: usageOf(commit),
    deleting: deletingOf(commit),
    grouped: groupedOf(commit),
    zoned: zonedOf(commit),
  };
  let bytes = 0;
  for (const [name, list] of Object.entries(all)) {
    if (list === undefined || list.length === 0) continue;
    const text = storableJson(list).slice(1, -1);
    lists.set(name, text);
    bytes += text.length;
  }
  const mergeable = [...lists.keys()].every((name) => mergeableLists.has(name));
  const frees = (lists.has("deleting") || lists.has("claimsReleased")) && !takes(lists);
  return { lists, events: commit.events?.length ?? 0, bytes, mergeable, frees, writes: writesOf(commit) };
}

const madeRow = ({ row, guestData }: InstanceChange) =>
  guestData === undefined ? row : { ...row, guestData };

const takes = (lists: EncodedCommit["lists"]): boolean => lists.has("claims") || lists.has("usage");

/**
 * The commits of a batch, first those that only give back. Merged ones are checked for what all of them do:
 * in this order each of them would pass alone as well, and the numbers of their events tell no other story.
 */
export const freeingFirst = <T extends { readonly commit: Pick<EncodedCommit, "frees"> }>(
  batch: readonly T[],
): T[] => [...batch.filter(({ commit }) => commit.frees), ...batch.filter(({ commit }) => !commit.frees)];

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
