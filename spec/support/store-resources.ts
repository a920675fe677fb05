/** Rows of resources for stores under test, and how they are read there. */
import type { StorePart } from "../../actors/ports/store.ts";
import type {
  AggregateRecord,
  FlavorRecord,
  ImageRecord,
  ServerGroupRecord,
} from "../../actors/records/catalog.ts";
import type { Commit } from "../../actors/records/commit.ts";
import type { RowChange } from "../../actors/records/rows.ts";
import { aggregate } from "../../protocol/aggregate.ts";
import { flavor } from "../../protocol/flavor.ts";
import { image } from "../../protocol/image.ts";
import { serverGroup } from "../../protocol/server-group.ts";
import type { Resource, ResourceRow, RowOf } from "../../protocol/wire/resource.ts";

/** A row without what this file adds where a test does not care: its version, and its number. */
type Some<R> = Omit<R, "version" | "number"> & { readonly version?: number; readonly number?: number };

interface Wanted {
  readonly flavors?: readonly Some<FlavorRecord>[];
  readonly images?: readonly Some<ImageRecord>[];
  readonly aggregates?: readonly Some<AggregateRecord>[];
  readonly serverGroups?: readonly Some<ServerGroupRecord>[];
  /** As they shall be, at the version that they then have. */
  readonly aggregatesChanged?: readonly AggregateRecord[];
  readonly flavorsRemoved?: readonly string[];
  readonly imagesRemoved?: readonly string[];
  readonly aggregatesRemoved?: readonly string[];
  readonly serverGroupsRemoved?: readonly string[];
}

/** The same for the same id, and hardly for another one. */
export function numberOf(id: string): number {
  let number = 0;
  for (const letter of id) number = (number * 31 + letter.charCodeAt(0)) % 2 ** 40;
  return number;
}

/** The part of a commit that makes, changes and removes these. */
export function rowsOf(wanted: Wanted): Required<Pick<Commit, "rows">> {
  const removed = (resource: Resource, ids: readonly string[] = []): RowChange[] =>
    ids.map((id) => ({ resource, removed: id }));
  return {
    rows: [
      ...removed(flavor, wanted.flavorsRemoved),
      ...removed(image, wanted.imagesRemoved),
      ...removed(aggregate, wanted.aggregatesRemoved),
      ...removed(serverGroup, wanted.serverGroupsRemoved),
      ...made(flavor, wanted.flavors),
      ...made(image, wanted.images),
      ...made(aggregate, wanted.aggregates),
      ...made(serverGroup, wanted.serverGroups),
      ...(wanted.aggregatesChanged ?? []).map((row) => ({
        resource: aggregate,
        changed: row as ResourceRow,
      })),
    ],
  };
}

function made(resource: Resource, rows: readonly { readonly id: string }[] = []): RowChange[] {
  return rows.map((row) => {
    const added = { version: 1, ...(resource.numbered ? { number: numberOf(row.id) } : {}) };
    return { resource, made: { ...added, ...row } as ResourceRow };
  });
}

/** The first row that is called so, if any. */
export async function called<R extends Resource>(
  store: StorePart<{ rows: "called" }>,
  resource: R,
  key: string,
  project?: string,
): Promise<RowOf<R> | undefined> {
  return (await store.rows.called(resource, key, project === undefined ? {} : { project }))[0];
}
