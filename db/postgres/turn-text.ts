/**
 * Turns on their way to the function `novact_commit` (db/sql/commit.sql), and their results on the way back.
 * A turn becomes a text for each of its lists, so that many turns can be merged into one without looking at
 * them again. Pure.
 */
import type { CommitResult, Turn } from "../../actors/records/commit.ts";
import { deletingOf, groupedOf, usageOf } from "../rows/placement-turn.ts";
import { storableJson } from "../rows/storable.ts";

export interface EncodedTurn {
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
 * from the rows for quotas and groups (placement-turn.ts). Merged turns are checked for what all of them do:
 * when that breaks a rule, they go apart.
 */
export function encodeTurn(turn: Turn): EncodedTurn {
  const { request, instances = [], ...rest } = turn;
  const answer = storableJson(request?.answer ?? null);
  const lists = new Map<string, string>();
  const all: Readonly<Record<string, readonly unknown[] | undefined>> = {
    requests: request === undefined ? [] : [{ ...request, answer }],
    created: instances.filter(({ expectedVersion }) => expectedVersion === 0).map(({ row }) => row),
    updated: instances.filter(({ expectedVersion }) => expectedVersion > 0).map(({ row }) => row),
    ...rest,
    usage: usageOf(turn),
    deleting: deletingOf(turn),
    grouped: groupedOf(turn),
  };
  let bytes = 0;
  for (const [name, list] of Object.entries(all)) {
    if (list === undefined || list.length === 0) continue;
    const text = storableJson(list).slice(1, -1);
    lists.set(name, text);
    bytes += text.length;
  }
  const mergeable = [...lists.keys()].every((name) => mergeableLists.has(name));
  return { lists, events: turn.events?.length ?? 0, bytes, mergeable, writes: writesOf(turn) };
}

function writesOf({ instances = [], hosts = [], leasesGranted = [] }: Turn): string[] {
  const ofHosts = [...hosts, ...leasesGranted].map(({ hostId }) => `host ${hostId}`);
  return [...instances.map(({ row }) => row.id), ...ofHosts];
}

/** One turn that does what all of these do, as the text of a batch of one. */
export function mergedText(turns: readonly EncodedTurn[]): string {
  const merged = new Map<string, string[]>();
  for (const { lists } of turns) {
    for (const [name, text] of lists) {
      const texts = merged.get(name);
      if (texts === undefined) merged.set(name, [text]);
      else texts.push(text);
    }
  }
  return `[${turnText([...merged].map(([name, texts]) => [name, texts.join(",")]))}]`;
}

export function apartText(turns: readonly EncodedTurn[]): string {
  return `[${turns.map(({ lists }) => turnText([...lists])).join(",")}]`;
}

function turnText(lists: readonly (readonly [string, string])[]): string {
  return `{${lists.map(([name, text]) => `"${name}":[${text}]`).join(",")}}`;
}

/** What `novact_commit` says of one turn. `failed`: PostgreSQL refused it for a reason that no result has. */
export type TurnOutcome =
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
 * The outcome of each of the turns that were merged, when the merged one was committed; otherwise undefined.
 */
export function splitOutcome(
  merged: TurnOutcome | undefined,
  turns: readonly EncodedTurn[],
): readonly TurnOutcome[] | undefined {
  if (merged?.kind !== "committed") return undefined;
  let sequence = merged.lastSequence - turns.reduce((sum, { events }) => sum + events, 0);
  return turns.map(({ events }) => {
    sequence += events;
    return { kind: "committed", lastSequence: events === 0 ? 0 : sequence };
  });
}

export function resultOf(outcome: Exclude<TurnOutcome, { kind: "failed" }>): CommitResult {
  if (outcome.kind !== "duplicate") return outcome;
  const answer: unknown = JSON.parse(outcome.request.answer);
  return { kind: "duplicate", request: { ...outcome.request, answer } };
}
