/**
 * The part of I3 about rows of resources: no owner has two of a name that must be unique, and nobody has more
 * than the limit of that moment when another one is made. Counted here, from the commits themselves.
 */
import { everyProject } from "../../protocol/quota.ts";
import { limitNameOf, nounInWords, type Resource, type ResourceRow } from "../../protocol/wire/resource.ts";
import type { Commit } from "../records/commit.ts";
import { changedId, rowAfter } from "./row-written.ts";

type Limits = Readonly<Record<string, number | null | undefined>>;

interface Known {
  /** By table, then by id. */
  readonly rows: Map<string, Map<string, ResourceRow>>;
  /** By table. */
  readonly resources: Map<string, Resource>;
  readonly limits: Map<string, Limits>;
}

/** What each commit breaks, as sentences. */
export function rowsOfResources(): (commit: Commit) => readonly string[] {
  const known: Known = { rows: new Map(), resources: new Map(), limits: new Map() };
  return (commit) => {
    const written = write(known, commit);
    for (const { project, extensions = {}, ...given } of commit.quotas ?? [])
      known.limits.set(project, { ...known.limits.get(project), ...given, ...extensions });
    return written.flatMap(({ resource, row, isNew }) => [
      ...twice(known, resource, row),
      ...(isNew ? tooMany(known, resource, row) : []),
    ]);
  };
}

interface Written {
  readonly resource: Resource;
  readonly row: ResourceRow;
  readonly isNew: boolean;
}

function write(known: Known, commit: Commit): readonly Written[] {
  const { rows, resources } = known;
  return (commit.rows ?? []).flatMap((change) => {
    const { resource } = change;
    const ofNoun = rows.get(resource.table) ?? new Map<string, ResourceRow>();
    rows.set(resource.table, ofNoun);
    resources.set(resource.table, resource);
    if ("removed" in change) {
      remove(known, resource, change.removed);
      return [];
    }
    const row = rowAfter(change, ofNoun.get(changedId(change)));
    if (row === undefined) return [];
    ofNoun.set(row.id, row);
    return [{ resource, row, isNew: "made" in change }];
  });
}

/** With the rows that are a part of it. */
function remove(known: Known, { table, noun }: Resource, id: string): void {
  known.rows.get(table)?.delete(id);
  for (const part of known.resources.values()) {
    const { partOf, uses } = part;
    if (partOf === undefined || uses?.[partOf] !== noun) continue;
    for (const row of known.rows.get(part.table)?.values() ?? [])
      if (Reflect.get(row, partOf) === id) remove(known, part, row.id);
  }
}

/** The rows of the same owner; of a project where the limit is for all its users together. */
function ofOwner({ rows }: Known, resource: Resource, { project, user }: ResourceRow, whole: boolean) {
  const all = [...(rows.get(resource.table)?.values() ?? [])];
  return all.filter((row) => row.project === project && (whole || row.user === user));
}

function twice(known: Known, resource: Resource, row: ResourceRow): readonly string[] {
  if (!resource.nameUnique) return [];
  const same = ofOwner(known, resource, row, false).filter(({ name }) => name === row.name);
  if (same.length < 2) return [];
  const ids = same.map(({ id }) => id).sort();
  return [`Two ${nounInWords(resource)}s of one owner are called ${row.name}: ${ids.join(" and ")}.`];
}

function tooMany(known: Known, resource: Resource, row: ResourceRow): readonly string[] {
  const { limit } = resource;
  if (limit === undefined) return [];
  const name = limitNameOf(resource);
  const [own, every] = [row.project ?? "", everyProject].map((one) => known.limits.get(one)?.[name]);
  const most = own ?? every ?? limit.most;
  const has = ofOwner(known, resource, row, limit.of === "project").length;
  if (most < 0 || has <= most) return [];
  return [
    `The project ${row.project ?? ""} has ${has} ${nounInWords(resource)}s of ${most} that it may have.`,
  ];
}
