/**
 * The handlers of every resource: list, get, delete, and the frame of those that make or change one. Each
 * change is one commit, with its event and its request id; what is peculiar to a noun stands in the file of
 * its noun.
 */
import { wireLimits } from "../../../protocol/limits/wire.ts";
import {
  type kept,
  nounInWords,
  type Resource,
  type ResourceRow,
  type RowOf,
  type ShownOf,
} from "../../../protocol/wire/resource.ts";
import type { AnswerOf, CallContext, Handler } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { RowQuery } from "../../ports/row-reads.ts";
import type { Commit } from "../../records/commit.ts";
import { type CatalogOptions, catalogCommit, commitOnce, unlessAnswered } from "../request/commit-once.ts";
import { fitting, jsonBytes, nextMarker } from "../request/page.ts";
import { findRow, listedOwner, ownerOf, rowChanged, rowMade, rowRemoved, shownRow } from "../request/rows.ts";

/** What is peculiar to a resource. */
export interface Peculiar<R extends Resource> {
  /** The rows with what is shown beside them; may read. Absent: nothing is. */
  readonly join?: (rows: readonly RowOf<R>[]) => Promise<readonly ShownOf<R>[]>;
  /** Why it cannot be removed, asked before the commit, which has the last word. @throws StatusError */
  readonly assertFree?: (shown: ShownOf<R>) => void;
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

/** How often a change is decided anew because somebody else changed the row meanwhile. */
const attemptsMax = 5;

export function resourceHandlers<R extends Resource>(
  resource: R,
  options: CatalogOptions,
  peculiar: Peculiar<R> = {},
) {
  const { store, ids, clock } = options;
  const words = nounInWords(resource);
  const join = peculiar.join ?? (async (rows: readonly RowOf<R>[]) => rows.map((row) => shownRow<R>(row)));
  const answerOf = (shown: ShownOf<R>) => ({ [resource.one]: shown }) as One<R>;
  const shownOf = async (row: RowOf<R>): Promise<ShownOf<R>> => {
    const [shown] = await join([row]);
    if (shown === undefined) throw new StatusError("internal", `The ${words} was not shown.`);
    return shown;
  };
  const about = (row: ResourceRow, event: string, body: object) => aboutRow(resource, row, { event, body });
  const committed = async <A>(commit: Parameters<typeof commitOnce>[0], answer: A): Promise<A> => {
    const given = await commitOnce(commit, answer, { ...options, resource });
    await peculiar.committed?.();
    return given;
  };

  /** Makes a row of these fields. @throws nameTaken, quotaExceeded, requestIdReused */
  const create = async (
    fields: object,
    { request, context, told = {} }: Asked & { readonly told?: object },
  ): Promise<One<R>> => {
    const row = {
      id: ids.next(),
      ...ownerOf(resource, context),
      ...(resource.numbered ? { number: await store.rows.nextNumber(resource) } : {}),
      ...fields,
      createdAtMs: clock.nowMs(),
      version: 1,
    } as RowOf<R> & ResourceRow;
    const commit = catalogCommit(`${resource.noun}.create`, about(row, "created", told), {
      ...{ request, context, options },
    });
    return committed({ rows: [rowMade(resource, row)], ...commit }, answerOf(await shownOf(row)));
  };

  /** Changes a row as `decide` says, which is asked again when somebody else was faster. */
  const change = (
    method: string,
    { request, context }: Asked,
    decide: (before: RowOf<R>) => Promise<Change<R>>,
  ): Promise<One<R>> => {
    const cause = { request, context, options };
    return unlessAnswered(`${resource.noun}.${method}`, cause, async () => {
      for (let attempt = 1; ; attempt += 1) {
        const before = (await findRow(resource, context, store.rows)) as RowOf<R> & ResourceRow;
        const decided = await decide(before);
        const { body, event = "changed" } = decided;
        const { commit, shown } =
          "commit" in decided
            ? decided
            : {
                commit: { rows: [rowChanged(resource, decided.after)] },
                shown: await shownOf(decided.after),
              };
        const rest = catalogCommit(`${resource.noun}.${method}`, about(before, event, body), cause);
        try {
          return await committed({ ...commit, ...rest }, answerOf(shown));
        } catch (thrown) {
          if (!isConflict(thrown) || attempt === attemptsMax) throw thrown;
        }
      }
    });
  };

  const handlers: KeptHandlers<R> = {
    list: async (request, context) => {
      const { limit = wireLimits.pageLengthDefault, ...query } = request as Partial<RowQuery>;
      const found = await store.rows.list(resource, { ...query, ...listedOwner(resource, context), limit });
      const shown = fitting(await join(found), jsonBytes);
      const page = shown as readonly (ShownOf<R> & { readonly id: string })[];
      const rows = { [resource.many]: [...shown] } as AnswerOf<Kept<R>["list"]>;
      return { ...rows, ...nextMarker(page, limit, found.length) };
    },
    get: async (_request, context) => answerOf(await shownOf(await findRow(resource, context, store.rows))),
    delete: (request, context) => {
      const cause = { request, context, options };
      return unlessAnswered(`${resource.noun}.delete`, cause, async () => {
        const row = (await findRow(resource, context, store.rows)) as RowOf<R> & ResourceRow;
        const shown = await shownOf(row);
        peculiar.assertFree?.(shown);
        const commit = catalogCommit(`${resource.noun}.delete`, about(row, "deleted", {}), cause);
        return committed({ rows: [rowRemoved(resource, row)], ...commit }, answerOf(shown));
      });
    },
  };
  return { ...handlers, create, change };
}

/** The event of a change of a row. */
function aboutRow(
  { noun }: Resource,
  { id, name, project = adminProject }: ResourceRow,
  { event, body }: { readonly event: string; readonly body: object },
) {
  return { noun, id, event, project, body: { name, ...body } };
}

export interface Asked {
  readonly request: object;
  readonly context: CallContext;
}

const isConflict = (thrown: unknown): boolean =>
  thrown instanceof StatusError && thrown.reason === "generationConflict";
