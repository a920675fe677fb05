/**
 * Names that are unique and rows that need others, in memory as the constraints of the tables and
 * reference.sql have it.
 */
import type { Owner } from "../../../actors/ports/row-reads.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import { aggregate } from "../../../protocol/aggregate.ts";
import { flavor } from "../../../protocol/flavor.ts";
import { image } from "../../../protocol/image.ts";
import { serverGroup } from "../../../protocol/server-group.ts";
import type { Resource, ResourceRow } from "../../../protocol/wire/resource.ts";
import type { Refusal, Tables, Work } from "../../rows/tables.ts";

type Written = NonNullable<Commit["instances"]>[number];

/** An instance that is not deleted holds its image and its server group; its flavor is copied into it. */
export function unheldBy(tables: Tables, list: readonly Written[]): Refusal | undefined {
  const live = list.map(({ row }) => row).filter(({ deletedAtMs }) => deletedAtMs === null);
  const imageless = live.find((row) => tables.rowsOf(image).get(row.image.id) === undefined);
  if (imageless !== undefined) return { kind: "missing", noun: "image", id: imageless.image.id };
  for (const { serverGroupId } of live)
    if (serverGroupId !== null && tables.rowsOf(serverGroup).get(serverGroupId) === undefined)
      return { kind: "missing", noun: "server-group", id: serverGroupId };
  return undefined;
}

/** A new instance copies its flavor: the flavor must exist at that moment. */
export function unflavored(tables: Tables, made: readonly Written[]): Refusal | undefined {
  const lost = made.find(({ row }) => tables.rowsOf(flavor).get(row.flavor.id) === undefined);
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

/** What a row of another table holds cannot go. */
export function isHeld(tables: Tables, { noun }: Resource, id: string): boolean {
  const live = () => [...tables.instances.values()].filter(({ deletedAtMs }) => deletedAtMs === null);
  if (noun === image.noun && live().some((row) => row.image.id === id)) return true;
  if (noun === serverGroup.noun && live().some(({ serverGroupId }) => serverGroupId === id)) return true;
  if (noun === aggregate.noun && [...tables.aggregateHosts.values()].some((one) => one.aggregateId === id))
    return true;
  return [...tables.resources.values()].some(({ resource, rows }) =>
    referring(resource, noun)
      .filter((field) => field !== resource.partOf)
      .some((field) => [...rows.values()].some((row) => fieldOf(row, field) === id)),
  );
}

/** Removes the parts of a row, such as the addresses of a port. */
export function removeParts({ tables, journal }: Work, { noun }: Resource, id: string): void {
  for (const { resource, rows } of tables.resources.values()) {
    const { partOf } = resource;
    if (partOf === undefined || !referring(resource, noun).includes(partOf)) continue;
    for (const row of [...rows.values()]) if (fieldOf(row, partOf) === id) rows.delete(row.id, journal);
  }
}

/** Fields of a resource that refer to rows of this noun. */
const referring = ({ uses = {} }: Resource, noun: string): readonly string[] =>
  Object.keys(uses).filter((field) => uses[field] === noun);

/** The refusal for the first reference of the row that leads nowhere. */
export function lostReference(
  tables: Tables,
  { uses = {} }: Resource,
  row: ResourceRow,
): Refusal | undefined {
  for (const [field, noun] of Object.entries(uses)) {
    const id = fieldOf(row, field);
    const target = [...tables.resources.values()].find(({ resource }) => resource.noun === noun);
    if (typeof id === "string" && target?.rows.get(id) === undefined) return { kind: "missing", noun, id };
  }
  return undefined;
}

export const fieldOf = (row: ResourceRow, field: string): unknown =>
  Object.entries(row).find(([key]) => key === field)?.[1];

/** In order of id. */
export function rowsOwnedBy(
  tables: Tables,
  resource: Resource,
  { project, user }: Owner,
): readonly ResourceRow[] {
  return [...tables.anyRowsOf(resource).values()].filter(
    (row) => (project ?? row.project) === row.project && (user ?? row.user) === row.user,
  );
}

/** Hosts that join aggregates: both ends must be there. */
export function unjoinable(tables: Tables, { aggregateHosts = [] }: Commit): Refusal | undefined {
  for (const { aggregateId: id } of aggregateHosts)
    if (tables.rowsOf(aggregate).get(id) === undefined) return { kind: "missing", noun: "aggregate", id };
  for (const { hostId: id } of aggregateHosts)
    if (tables.hosts.get(id) === undefined) return { kind: "missing", noun: "host", id };
  return undefined;
}
