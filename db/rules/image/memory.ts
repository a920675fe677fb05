/** Who may use an image, in memory as image.sql and the reads of PostgreSQL have it. */
import type { Commit } from "../../../actors/records/commit.ts";
import { image } from "../../../protocol/image.ts";
import { rootGibOf } from "../../../protocol/local-disks.ts";
import type { Resource, ResourceRow } from "../../../protocol/wire/resource.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Refusal, Tables } from "../../rows/tables.ts";
import { type Seen, seenOf } from "../../rows/visibility.ts";
import { fieldOf } from "../reference/memory.ts";

interface Asked {
  readonly resource: Resource;
  readonly row: ResourceRow;
  readonly project: string;
}

/** Whether another project's row is seen by this one. */
export function isSharedWith(
  tables: Tables,
  { resource: { visibility }, row, project }: Asked,
  { open, said }: Seen,
): boolean {
  if (visibility === undefined) return false;
  const { field, shared, members } = visibility;
  const value = String(fieldOf(row, field));
  if (open.includes(value)) return true;
  if (value !== shared) return false;
  const all = [...tables.resources.values()].find(({ resource }) => resource.noun === members.noun);
  return [...(all?.rows.values() ?? [])].some(
    (member) =>
      member.name === project &&
      fieldOf(member, members.of) === row.id &&
      (said?.includes(String(fieldOf(member, members.status))) ?? true),
  );
}

type Written = NonNullable<Commit["instances"]>[number];

/** The refusal for the first of these new instances whose image it may not be made of. */
export function unusableImage(tables: Tables, made: readonly Written[]): Refusal | undefined {
  for (const { row } of made) {
    const its = tables.rowsOf(image).get(row.image.id);
    if (its === undefined) continue;
    const refusal = { kind: "missing", noun: image.noun, id: its.id } as const;
    const { project, flavor } = row;
    const asked = { resource: image, row: its, project };
    const own = project === adminProject || project === its.project;
    if (!own && !isSharedWith(tables, asked, seenOf(image.visibility, "named"))) return refusal;
    if (its.state !== "active") return { ...refusal, because: "inactive" };
    const { memoryMibMin, diskGibMin } = its.properties;
    const hasDisk = row.image.disk !== null;
    if (flavor.memoryMib < memoryMibMin || (hasDisk && rootGibOf(flavor) < diskGibMin))
      return { ...refusal, because: "needsMore" };
    if (inOrder(row.image.properties) !== inOrder(its.properties)) return { ...refusal, because: "changed" };
  }
  return undefined;
}

/** A protected image is in use by whoever protects it. */
export const isProtected = (tables: Tables, { noun }: Resource, id: string): boolean =>
  noun === image.noun && tables.rowsOf(image).get(id)?.protected === true;

/** As PostgreSQL compares them: the order of the keys means nothing. */
function inOrder(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, one]) => `${JSON.stringify(key)}:${inOrder(one)}`)
    .join(",");
}
