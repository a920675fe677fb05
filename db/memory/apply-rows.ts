/** The step of a commit about rows of resources, as db/sql/commit-rows.sql has it. */

import type { Resource, ResourceRow } from "../../protocol/wire/resource.ts";
import { changedIn, countedOf, madeIn, removedIn } from "../rows/row-changes.ts";
import type { Refusal, Tables, Work } from "../rows/tables.ts";
import { limitOf } from "../rules/quota/memory.ts";
import { isHeld, lostReference, rowsOwnedBy } from "../rules/reference/memory.ts";

const steps: readonly ((work: Work) => Refusal | undefined)[] = [remove, make, change, count];

export function applyRows(work: Work): Refusal | undefined {
  for (const step of steps) {
    const refusal = step(work);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** Those of one resource together: whether one is held is looked for before whether all are there. */
function remove({ tables, commit, journal }: Work): Refusal | undefined {
  const removed = Map.groupBy(removedIn(commit.rows ?? []), ({ resource }) => resource);
  for (const [resource, all] of removed) {
    const ids = all.map((one) => one.removed);
    if (ids.some((id) => isHeld(tables, resource, id))) return { kind: "inUse" };
    const rows = tables.anyRowsOf(resource);
    for (const id of ids) if (!rows.delete(id, journal)) return { kind: "missing", noun: resource.noun, id };
  }
  return undefined;
}

function make({ tables, commit, journal }: Work): Refusal | undefined {
  for (const { resource, made } of madeIn(commit.rows ?? [])) {
    const taken = tables.anyRowsOf(resource).get(made.id) !== undefined || isTaken(tables, resource, made);
    if (taken) return { kind: "nameTaken" };
    const lost = lostReference(tables, resource, made);
    if (lost !== undefined) return lost;
    tables.anyRowsOf(resource).put(made.id, whole(resource, made), journal);
  }
  return undefined;
}

function change({ tables, commit, journal }: Work): Refusal | undefined {
  for (const { resource, changed } of changedIn(commit.rows ?? [])) {
    const rows = tables.anyRowsOf(resource);
    if (rows.get(changed.id)?.version !== changed.version - 1) return { kind: "conflict" };
    if (isTaken(tables, resource, changed)) return { kind: "nameTaken" };
    const lost = lostReference(tables, resource, changed);
    if (lost !== undefined) return lost;
    rows.put(changed.id, whole(resource, changed), journal);
  }
  return undefined;
}

function count({ tables, commit }: Work): Refusal | undefined {
  for (const { resource, project, user, asked, most } of countedOf(commit.rows ?? [])) {
    const there = rowsOwnedBy(tables, resource, { project, ...(user === undefined ? {} : { user }) }).length;
    const limit = limitOf(tables, project, resource.many) ?? most;
    if (limit < 0 || there <= limit) continue;
    return { kind: "quotaExceeded", resource: resource.many, limit, used: there - asked, asked };
  }
  return undefined;
}

/** Another row of the owner has the name. */
function isTaken(tables: Tables, resource: Resource, { id, name, project, user }: ResourceRow): boolean {
  if (!resource.nameUnique) return false;
  const owner = { ...(project === undefined ? {} : { project }), ...(user === undefined ? {} : { user }) };
  return rowsOwnedBy(tables, resource, owner).some((row) => row.name === name && row.id !== id);
}

/** With every field that the resource has; one that is absent is null, as in a table. */
function whole({ kept }: Resource, row: ResourceRow): ResourceRow {
  const given: Readonly<Record<string, unknown>> = { ...row };
  const fields = Object.keys(kept).map((field) => [field, given[field] ?? null]);
  return { ...row, ...Object.fromEntries(fields) };
}
