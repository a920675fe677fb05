/**
 * The handlers of every resource: list, get, delete, and the frame of those that make or change one. Each
 * change is one commit, with its event and its request id; what is peculiar to a noun stands in the file of
 * its noun.
 */
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { Reason } from "../../../protocol/wire/reasons.ts";
import type { kept, Resource, ResourceRow, RowOf, ShownOf } from "../../../protocol/wire/resource.ts";
import type { AnswerOf, CallContext, Handler } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { RowQuery } from "../../ports/row-reads.ts";
import type { Commit } from "../../records/commit.ts";
import type { RowChange } from "../../records/rows.ts";
import { type CatalogOptions, catalogCommit, commitOnce, unlessAnswered } from "../request/commit-once.ts";
import { fitting, jsonBytes, nextMarker } from "../request/page.ts";
import { aboutRow, rowChanged, rowMade, rowRemoved } from "../request/row-changes.ts";
import { findOwnRow, findRow, listedOwner, notFound, ownerOf, shownRow } from "../request/rows.ts";

/** What is peculiar to a resource. */
export interface Peculiar<R extends Resource> {
  /**
   * The rows with what is shown beside them to this caller, without those that are not the caller's to see
   * any more; may read. `listed`: of a list, where there are many. Absent: nothing is.
   */
  readonly join?: (
    rows: readonly RowOf<R>[],
    context: CallContext,
    listed: boolean,
  ) => Promise<readonly ShownOf<R>[]>;
  /** Which rows a list has, by fields of its request that lists of no other resource have. Absent: none. */
  readonly query?: (request: object) => Partial<RowQuery>;
  /** Why it cannot be removed, asked before the commit, which has the last word. @throws StatusError */
  readonly assertFree?: (shown: ShownOf<R>) => void;
  /** Rows that are removed in the same commit, before the row itself. */
  readonly goesToo?: (row: RowOf<R>) => Promise<readonly RowChange[]>;
  /** Rows to which the row refers, removed after it. */
  readonly goesAfter?: (row: RowOf<R>) => Promise<readonly RowChange[]>;
  /** What a name or another field that is taken means. Absent: `nameTaken`, by its name. */
  readonly taken?: () => StatusError;
  /** A sentence that names the possible holders of a row that is in use. Absent: none. */
  readonly held?: string;
  /** Refusals of a change, beside `generationConflict`, after which it is decided anew. Absent: none. */
  readonly decidedAnew?: readonly Reason[];
  /** How often a change is decided anew. Absent: a few times. */
  readonly attemptsMax?: number;
  /** Called after each commit of a change. */
  readonly committed?: () => Promise<void>;
}

type Kept<R extends Resource> = ReturnType<typeof kept<R>>;
type KeptHandlers<R extends Resource> = { readonly [K in keyof Kept<R>]: Handler<Kept<R>[K]> };
type One<R extends Resource> = AnswerOf<Kept<R>["get"]>;

/** A change of the row itself, or of what is joined to it. */
type Change<R extends Resource> = {
  /** Of the event, beside the name. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Absent: `changed`. */
  readonly event?: string;
} & ({ readonly after: RowOf<R> } | { readonly commit: Commit; readonly shown: ShownOf<R> });

/** What every resource has, and the frames of what makes and changes one. */
export type ResourceHandlers<R extends Resource> = ReturnType<typeof resourceHandlers<R>>;

/** How often a change is decided anew because somebody else changed the row meanwhile. */
const attemptsMax = 5;

export function resourceHandlers<R extends Resource>(
  resource: R,
  options: CatalogOptions,
  peculiar: Peculiar<R> = {},
) {
  const { store } = options;
  const join = peculiar.join ?? (async (rows: readonly RowOf<R>[]) => rows.map((row) => shownRow<R>(row)));
  const answerOf = (shown: ShownOf<R>) => ({ [resource.one]: shown }) as One<R>;
  const shownOf = async (row: RowOf<R>, context: CallContext): Promise<ShownOf<R>> => {
    const [shown] = await join([row], context, false);
    if (shown !== undefined) return shown;
    throw notFound(resource, row.id);
  };
  const about = (row: ResourceRow, event: string, body: object) => aboutRow(resource, row, { event, body });
  const committed = async <A>(commit: Parameters<typeof commitOnce>[0], answer: A): Promise<A> => {
    const given = await commitOnce(commit, answer, { ...options, resource }).catch((thrown: unknown) => {
      throw inOwnWords(thrown, peculiar);
    });
    await peculiar.committed?.();
    return given;
  };

  /**
   * Makes a row of these fields. A function that finds or refuses them is not asked again when the request is
   * repeated. @throws nameTaken, quotaExceeded, requestIdReused; what `fields` throws
   */
  const create = async (
    fields: object | (() => Promise<object>),
    { request, context, told = {}, also }: Making<R>,
  ): Promise<One<R>> => {
    const cause = { request, context, options };
    const method = `${resource.noun}.create`;
    const make = async (given: object): Promise<One<R>> => {
      const row = await newRow(resource, context, given, options);
      const commit = catalogCommit(method, about(row, "created", told), cause);
      const rows = [rowMade(resource, row), ...(also?.(row) ?? [])];
      return committed({ rows, ...commit }, answerOf(await shownOf(row, context)));
    };
    if (typeof fields !== "function") return make(fields);
    return unlessAnswered(method, cause, async () => make(await fields()));
  };

  /**
   * Changes a row as `decide` says, which is asked again when somebody else was faster. `find`: what the
   * caller may change of this; else what it owns.
   */
  const change = (
    method: string,
    { request, context }: Asked,
    decide: (before: RowOf<R>) => Promise<Change<R>>,
    find: typeof findOwnRow = findOwnRow,
  ): Promise<One<R>> => {
    const cause = { request, context, options };
    return unlessAnswered(`${resource.noun}.${method}`, cause, async () => {
      for (let attempt = 1; ; attempt += 1) {
        const before = (await find(resource, context, store.rows)) as RowOf<R> & ResourceRow;
        const decided = await decide(before);
        const { body, event = "changed" } = decided;
        const { commit, shown } =
          "commit" in decided
            ? decided
            : {
                commit: { rows: [rowChanged(resource, decided.after)] },
                shown: await shownOf(decided.after, context),
              };
        const rest = catalogCommit(`${resource.noun}.${method}`, about(before, event, body), cause);
        try {
          return await committed({ ...commit, ...rest }, answerOf(shown));
        } catch (thrown) {
          if (!passes(thrown, peculiar) || attempt === (peculiar.attemptsMax ?? attemptsMax)) throw thrown;
        }
      }
    });
  };

  const handlers: KeptHandlers<R> = {
    list: async (request, context) => {
      const { rows, nextMarker: next } = await pageOf(
        resource,
        { request, context },
        { store, join, query: peculiar.query },
      );
      return { [resource.many]: [...rows], ...next } as AnswerOf<Kept<R>["list"]>;
    },
    get: async (_request, context) =>
      answerOf(await shownOf(await findRow(resource, context, store.rows), context)),
    delete: (request, context) => {
      const cause = { request, context, options };
      return unlessAnswered(`${resource.noun}.delete`, cause, async () => {
        const row = (await findOwnRow(resource, context, store.rows)) as RowOf<R> & ResourceRow;
        const shown = await shownOf(row, context);
        peculiar.assertFree?.(shown);
        const commit = catalogCommit(`${resource.noun}.delete`, about(row, "deleted", {}), cause);
        return committed({ rows: await removalOf(resource, row, peculiar), ...commit }, answerOf(shown));
      });
    },
  };
  return { ...handlers, create, change };
}

/** Whether a change may succeed when it is decided anew. */
const passes = (thrown: unknown, { decidedAnew = [] }: Pick<Peculiar<Resource>, "decidedAnew">): boolean =>
  isA("generationConflict", thrown) || decidedAnew.some((reason) => isA(reason, thrown));

/** The refusal as the resource says it. */
function inOwnWords(thrown: unknown, { taken, held }: Pick<Peculiar<Resource>, "taken" | "held">): unknown {
  if (isA("nameTaken", thrown) && taken !== undefined) return taken();
  if (isA("inUse", thrown) && held !== undefined) return new StatusError("inUse", held);
  return thrown;
}

/** The row with all that goes with it, in the order in which they refer to each other. */
async function removalOf<R extends Resource>(
  resource: R,
  row: RowOf<R> & ResourceRow,
  { goesToo, goesAfter }: Peculiar<R>,
): Promise<readonly RowChange[]> {
  const [before, after] = [(await goesToo?.(row)) ?? [], (await goesAfter?.(row)) ?? []];
  return [...before, rowRemoved(resource, row), ...after];
}

/** The rows of a list, as many as one answer holds, and where the next page goes on. */
async function pageOf<R extends Resource>(
  resource: R,
  { request, context }: Asked,
  {
    store,
    join,
    query,
  }: Pick<CatalogOptions, "store"> & {
    readonly join: NonNullable<Peculiar<R>["join"]>;
    readonly query: Peculiar<R>["query"];
  },
) {
  const { limit = wireLimits.pageLengthDefault, marker, name } = request as Partial<RowQuery>;
  const read = () =>
    store.rows.list(resource, {
      limit,
      ...(marker === undefined ? {} : { marker }),
      ...(name === undefined ? {} : { name }),
      ...listedOwner(resource, context),
      refers: referredIn(resource, request),
      ...query?.(request),
    });
  let found = await read();
  let joined = await join(found, context, true);
  // What went out of the caller's sight between both reads is not on the page that is read again.
  if (joined.length < found.length) {
    found = await read();
    joined = await join(found, context, true);
  }
  const rows = fitting(joined, jsonBytes);
  const page = rows as readonly (ShownOf<R> & { readonly id: string })[];
  return { rows, nextMarker: nextMarker(page, limit, found.length) };
}

/** A row of the caller's as it begins; it is not there before it is committed. */
export async function newRow<R extends Resource>(
  resource: R,
  context: CallContext,
  fields: object,
  { store, ids, clock }: Pick<CatalogOptions, "store" | "ids" | "clock">,
): Promise<RowOf<R> & ResourceRow> {
  const own = { id: ids.next(), ...ownerOf(resource, context) };
  const number = resource.numbered ? { number: await store.rows.nextNumber(resource) } : {};
  return { ...own, ...number, ...fields, createdAtMs: clock.nowMs(), version: 1 } as RowOf<R> & ResourceRow;
}

/** The filters of a list by what its rows refer to. */
function referredIn({ uses = {} }: Resource, request: object): Readonly<Record<string, readonly string[]>> {
  const asked = Object.entries(request).filter(([field]) => field in uses);
  return Object.fromEntries(asked.map(([field, id]) => [field, [String(id)]]));
}

interface Making<R extends Resource> extends Asked {
  /** Of the event, beside the name. */
  readonly told?: object;
  /** Rows that are made in the same commit, after the row itself. */
  readonly also?: (row: RowOf<R>) => readonly RowChange[];
}

export interface Asked {
  readonly request: object;
  readonly context: CallContext;
}

const isA = (reason: Reason, thrown: unknown): boolean =>
  thrown instanceof StatusError && thrown.reason === reason;
