/**
 * How far one page of a list looks; the same for every store, so that every store answers with the same rows
 * and the same marker. A list is walked along one index, which may serve one of its filters; all other
 * filters judge what the walk meets, and the walk ends after a bounded number of rows. Pure.
 */
import type { InstanceQuery } from "../../actors/ports/instance-reads.ts";
import type { OperationQuery } from "../../actors/ports/operation-reads.ts";
import type { Page } from "../../actors/ports/pages.ts";
import { readLimits } from "./limits.ts";

export interface Walk<By extends string> {
  /** The filter whose index is walked; `all`: none, every row of the project (or of all) is met in order. */
  readonly by: By;
  /** The values of that filter, each of which is a walk of its own; all are met in one order. */
  readonly values: readonly string[];
  /** Other filters judge the rows that are met. */
  readonly judged: boolean;
}

export type InstanceWalk = Walk<"ids" | "names" | "hosts" | "groups" | "states" | "all">;
export type OperationWalk = Walk<"entities" | "entitiesRunning" | "running" | "all">;

/** Filters that no walk is along. */
const judgedInstances = ["namePattern", "flavors", "images", "metadata", "locked"] as const;
const judgedTimes = ["createdAfterMs", "createdBeforeMs", "changedSinceMs"] as const;

/**
 * The walk that meets the fewest rows. The indexes of names and states begin with the project, and tombstones
 * are in neither of them, nor in that of groups; on a host there is none.
 */
export function instanceWalk(query: InstanceQuery): InstanceWalk {
  const { ids, names, states, hostIds, serverGroupIds, project, deleted } = query;
  const ofProject = project !== undefined && deleted !== true;
  const walks: readonly (readonly [InstanceWalk["by"], readonly string[] | undefined])[] = [
    ["ids", ids],
    ["names", ofProject ? names : undefined],
    ["hosts", hostIds],
    ["groups", deleted === true ? undefined : serverGroupIds],
    ["states", ofProject ? states : undefined],
  ];
  const [by, values = []] = walks.find(([, given]) => given !== undefined) ?? ["all", undefined];
  const others = [ids, names, hostIds, serverGroupIds, states].filter((given) => given !== undefined).length;
  const more = [...judgedInstances, ...judgedTimes].some((filter) => query[filter] !== undefined);
  return { by, values: distinct(values), judged: more || others > (by === "all" ? 0 : 1) };
}

/**
 * Operations under way have an index of their own: there are few of them among many. A noun is judged but for
 * entities that are named: few have many operations.
 */
export function operationWalk(query: OperationQuery): OperationWalk {
  const { noun, entityIds, states, kinds, sinceMs } = query;
  const judged = kinds !== undefined || sinceMs !== undefined;
  const running = states?.length === 1 && states[0] === "running";
  if (entityIds !== undefined) {
    const values = distinct(entityIds);
    if (running) return { by: "entitiesRunning", values, judged };
    return { by: "entities", values, judged: judged || states !== undefined };
  }
  if (running) return { by: "running", values: [], judged: judged || noun !== undefined };
  return { by: "all", values: [], judged: judged || states !== undefined || noun !== undefined };
}

const distinct = (values: readonly string[]): readonly string[] => [...new Set(values)];

/** Most rows that the walk of one page meets. */
export const metMax = (
  query: { readonly limit: number },
  { judged }: Pick<Walk<string>, "judged">,
): number => (judged ? Math.max(query.limit, readLimits.listScanMax) : query.limit);

export interface Met {
  readonly rows: number;
  /** Id of the last row that was met; undefined: none was. */
  readonly last: string | undefined;
}

/** The page: full, or ended by its walk, or by the end of the list. */
export function pageOf<T>(
  rows: readonly T[],
  idOf: (row: T) => string,
  {
    query,
    walk,
    met,
  }: {
    readonly query: { readonly limit: number };
    readonly walk: Pick<Walk<string>, "judged">;
    readonly met: Met;
  },
): Page<T> {
  const last = rows.at(-1);
  if (last !== undefined && rows.length >= query.limit) return { rows, marker: idOf(last) };
  if (met.rows < metMax(query, walk) || met.last === undefined) return { rows };
  return { rows, marker: met.last };
}
