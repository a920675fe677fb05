/**
 * The step of a commit about rows of resources, as db/sql/commit-rows.sql has it; those of plug-ins come
 * after ours (db/sql/commit-extension-rows.sql).
 */

import type { Resource, ResourceRow } from "../../protocol/wire/resource.ts";
import { bodyFields, bodyOf } from "../rows/extension-rows.ts";
import {
  changedIn,
  countedOf,
  isExtension,
  letGoIn,
  limitedNameOf,
  madeIn,
  patchedIn,
  removedIn,
} from "../rows/row-changes.ts";
import type { Refusal, Tables, Work } from "../rows/tables.ts";
import { isProtected } from "../rules/image/memory.ts";
import { imageBytesOf } from "../rules/image/room.ts";
import { limitOf, sumOfField } from "../rules/quota/memory.ts";
import { fieldOf, isHeld, lostReference, removeParts, rowsOwnedBy } from "../rules/reference/memory.ts";
import { overlapsAnother, shareSubnets } from "../rules/subnet/memory.ts";
import { applyVolumeRoom } from "../rules/volume/memory.ts";

const steps: readonly ((work: Work) => Refusal | undefined)[] = [patch, remove, letGo, make, change, count];

export function applyRows(work: Work): Refusal | undefined {
  const { rows = [] } = work.commit;
  if (rows.length === 0) return undefined;
  for (const theirs of [false, true]) {
    const part = rows.filter(({ resource }) => isExtension(resource) === theirs);
    for (const step of steps) {
      const refusal = step({ ...work, commit: { ...work.commit, rows: part } });
      if (refusal !== undefined) return refusal;
    }
  }
  shareSubnets(
    work,
    rows.map(({ resource }) => resource),
  );
  return undefined;
}

/** Those of one resource together: whether one is held is looked for before whether all are there. */
function remove(work: Work): Refusal | undefined {
  const { tables, commit, journal } = work;
  const removed = Map.groupBy(removedIn(commit.rows ?? []), ({ resource }) => resource);
  for (const [resource, all] of removed) {
    const ids = all.map((one) => one.removed);
    const stays = (id: string) => isHeld(tables, resource, id) || isProtected(tables, resource, id);
    if (ids.some(stays)) return { kind: "inUse" };
    const rows = tables.anyRowsOf(resource);
    for (const id of ids) {
      const before = rows.get(id);
      if (!rows.delete(id, journal)) return { kind: "missing", noun: resource.noun, id };
      applyVolumeRoom(work, resource, before, undefined);
      removeParts(work, resource, id);
    }
  }
  return undefined;
}

/** As db/rules/reference/let-go.sql. */
function letGo(work: Work): undefined {
  const { tables, commit, journal } = work;
  for (const { resource, removed: id, ifHas } of letGoIn(commit.rows ?? [])) {
    const row = tables.anyRowsOf(resource).get(id);
    const isMeant =
      row !== undefined && Object.entries(ifHas).every(([name, is]) => fieldOf(row, name) === is);
    if (!isMeant || isHeld(tables, resource, id)) continue;
    tables.anyRowsOf(resource).delete(id, journal);
    applyVolumeRoom(work, resource, row, undefined);
    removeParts(work, resource, id);
  }
}

function make(work: Work): Refusal | undefined {
  const { tables, commit, journal } = work;
  for (const { resource, made } of madeIn(commit.rows ?? [])) {
    const taken = tables.anyRowsOf(resource).get(made.id) !== undefined || isTaken(tables, resource, made);
    if (taken || overlapsAnother(tables, resource, made)) return { kind: "nameTaken" };
    const lost = lostReference(tables, resource, made);
    if (lost !== undefined) return lost;
    tables.anyRowsOf(resource).put(made.id, whole(resource, made), journal);
    const full =
      beyondImageRoom(tables, resource, undefined, made) ?? applyVolumeRoom(work, resource, undefined, made);
    if (full !== undefined) return full;
  }
  return undefined;
}

function change(work: Work): Refusal | undefined {
  const { tables, commit } = work;
  for (const { resource, changed } of changedIn(commit.rows ?? [])) {
    const before = tables.anyRowsOf(resource).get(changed.id);
    if (before?.version !== changed.version - 1) return { kind: "conflict" };
    const refusal = replace(work, resource, before, changed);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** As db/rules/image/image-room.sql. */
function beyondImageRoom(
  tables: Tables,
  resource: Resource,
  before: ResourceRow | undefined,
  after: ResourceRow,
): Refusal | undefined {
  if (resource.noun !== "image") return undefined;
  const { project = "" } = after;
  const asked = sizeOf(after) - (before === undefined ? 0 : sizeOf(before));
  const limit = limitOf(tables, project, "imageBytes") ?? -1;
  const there = imageBytesOf(tables, project);
  if (asked <= 0 || limit < 0 || there <= limit) return undefined;
  return { kind: "quotaExceeded", resource: "imageBytes", limit, used: there - asked, asked };
}

const sizeOf = (row: ResourceRow): number => Number(fieldOf(row, "sizeBytes") ?? 0);

function patch(work: Work): Refusal | undefined {
  const { tables, commit } = work;
  for (const { resource, patched, whereHas, set } of patchedIn(commit.rows ?? [])) {
    const before = tables.anyRowsOf(resource).get(patched);
    const isMeant = Object.entries(whereHas).every(([name, is]) => before && fieldOf(before, name) === is);
    if (before === undefined || !isMeant) return { kind: "conflict" };
    const refusal = replace(work, resource, before, { ...before, ...set, version: before.version + 1 });
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function replace(
  work: Work,
  resource: Resource,
  before: ResourceRow,
  after: ResourceRow,
): Refusal | undefined {
  const { tables, journal } = work;
  if (isTaken(tables, resource, after)) return { kind: "nameTaken" };
  const lost = lostReference(tables, resource, after);
  if (lost !== undefined) return lost;
  tables.anyRowsOf(resource).put(after.id, whole(resource, after, before), journal);
  return beyondImageRoom(tables, resource, before, after) ?? applyVolumeRoom(work, resource, before, after);
}

function count({ tables, commit }: Work): Refusal | undefined {
  for (const { resource, project, user, asked, most, sumOf } of countedOf(commit.rows ?? [])) {
    const owner = { project, ...(user === undefined ? {} : { user }) };
    const there =
      sumOf === undefined
        ? rowsOwnedBy(tables, resource, owner).length
        : sumOfField(tables, resource, sumOf, project);
    const name = limitedNameOf(resource, sumOf);
    const limit = limitOf(tables, project, name) ?? most;
    if (limit < 0 || there <= limit) continue;
    return { kind: "quotaExceeded", resource: name, limit, used: there - asked, asked };
  }
  return undefined;
}

/** Another row of the owner has the name, or another row what no two may have alike. */
function isTaken(tables: Tables, resource: Resource, row: ResourceRow): boolean {
  const { id, name, project, user } = row;
  const alike = (other: ResourceRow, fields: readonly string[]) =>
    other.id !== id && fields.every((field) => fieldOf(other, field) === fieldOf(row, field));
  const { unique = [] } = resource;
  const others = unique.length === 0 ? [] : [...tables.anyRowsOf(resource).values()];
  if (unique.some((fields) => others.some((other) => alike(other, fields)))) return true;
  if (!resource.nameUnique) return false;
  const owner = { ...(project === undefined ? {} : { project }), ...(user === undefined ? {} : { user }) };
  return rowsOwnedBy(tables, resource, owner).some((row) => row.name === name && row.id !== id);
}

/** With every field that the resource has; one that is absent is null, as in a table. */
function whole(resource: Resource, row: ResourceRow, before?: ResourceRow): ResourceRow {
  const given: Readonly<Record<string, unknown>> = { ...row };
  const inBody = new Set(isExtension(resource) ? bodyFields(resource) : []);
  const fields = Object.keys(resource.kept).filter((field) => !inBody.has(field));
  const columns = Object.fromEntries(fields.map((field) => [field, given[field] ?? null]));
  if (!isExtension(resource)) return { ...row, ...columns };
  // What another version of the plug-in has in the body stays there.
  const others = Object.entries(before ?? {}).filter(([field]) => !inBody.has(field));
  return { ...Object.fromEntries(others), ...row, ...columns, ...bodyOf(resource, given) };
}
