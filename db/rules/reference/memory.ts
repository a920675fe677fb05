/**
 * Names that are unique and rows that need others, in memory as the constraints of the tables and
 * reference.sql have it.
 */
import type { Commit } from "../../../actors/records/commit.ts";
import type { Journal, Table } from "../../rows/table.ts";
import type { Refusal, Tables } from "../../rows/tables.ts";

type Written = NonNullable<Commit["instances"]>[number];

/** An instance that is not deleted holds its image and its server group; its flavor is copied into it. */
export function unheldBy(tables: Tables, list: readonly Written[]): Refusal | undefined {
  const live = list.map(({ row }) => row).filter(({ deletedAtMs }) => deletedAtMs === null);
  const imageless = live.find(({ image }) => tables.images.get(image.id) === undefined);
  if (imageless !== undefined) return { kind: "missing", noun: "image", id: imageless.image.id };
  for (const { serverGroupId } of live)
    if (serverGroupId !== null && tables.serverGroups.get(serverGroupId) === undefined)
      return { kind: "missing", noun: "server-group", id: serverGroupId };
  return undefined;
}

/** A new instance copies its flavor: the flavor must exist at that moment. */
export function unflavored({ flavors }: Tables, made: readonly Written[]): Refusal | undefined {
  const lost = made.find(({ row }) => flavors.get(row.flavor.id) === undefined);
  return lost && { kind: "missing", noun: "flavor", id: lost.row.flavor.id };
}

/** Refuses the commit for the first host of the list that is missing. */
export function unknownIn(
  { hosts }: Tables,
  list: readonly { readonly hostId: string }[],
): Refusal | undefined {
  const lost = list.find(({ hostId }) => hosts.get(hostId) === undefined);
  return lost && { kind: "missing", noun: "host", id: lost.hostId };
}

/** Removes rows that nobody uses: the first missing one refuses the commit. */
export function removeNamed<V>(
  { table, noun, used }: { table: Table<V>; noun: Named; used: (id: string) => boolean },
  ids: readonly string[],
  journal: Journal,
): Refusal | undefined {
  if (ids.some(used)) return { kind: "inUse" };
  for (const id of ids) if (!table.delete(id, journal)) return { kind: "missing", noun, id };
  return undefined;
}

type Named = "flavor" | "image" | "aggregate" | "server-group";

/** @param scope rows of the same scope have different names */
export function insertNamed<R extends { readonly id: string; readonly name: string }>(
  { table, scope = () => "" }: { table: Table<R>; scope?: (row: R) => string },
  rows: readonly R[] | undefined,
  journal: Journal,
): Refusal | undefined {
  for (const row of rows ?? []) {
    const taken = [...table.values()].some(
      (one) => one.id === row.id || (one.name === row.name && scope(one) === scope(row)),
    );
    if (taken) return { kind: "nameTaken" };
    table.put(row.id, row, journal);
  }
  return undefined;
}

/** Hosts that join aggregates: both ends must be there. */
export function unjoinable(
  { aggregates, hosts }: Tables,
  { aggregateHosts = [] }: Commit,
): Refusal | undefined {
  for (const { aggregateId: id } of aggregateHosts)
    if (aggregates.get(id) === undefined) return { kind: "missing", noun: "aggregate", id };
  for (const { hostId: id } of aggregateHosts)
    if (hosts.get(id) === undefined) return { kind: "missing", noun: "host", id };
  return undefined;
}
