/** A turn on its way to the function `novact_commit` (db/migrations), and its result on the way back. Pure. */
import type { CommitResult, Turn } from "../actors/runtime/records.ts";

/** JSON for `novact_commit`: new instances apart from changed ones, empty lists left out, the answer as a text. */
export function encodeTurn(turn: Turn): string {
  const { request, instances, ...rest } = turn;
  const created = instances?.filter(({ expectedVersion }) => expectedVersion === 0).map(({ row }) => row);
  const updated = instances?.filter(({ expectedVersion }) => expectedVersion > 0).map(({ row }) => row);
  const answer = request && JSON.stringify(request.answer ?? null);
  return JSON.stringify({
    ...(request === undefined ? {} : { request: { ...request, answer } }),
    ...filled({ created, updated, ...rest }),
  });
}

function filled(lists: Readonly<Record<string, readonly unknown[] | undefined>>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, list] of Object.entries(lists)) {
    if (list !== undefined && list.length > 0) kept[name] = list;
  }
  return kept;
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

export function resultOf(outcome: Exclude<TurnOutcome, { kind: "failed" }>): CommitResult {
  if (outcome.kind !== "duplicate") return outcome;
  const answer: unknown = JSON.parse(outcome.request.answer);
  return { kind: "duplicate", request: { ...outcome.request, answer } };
}
