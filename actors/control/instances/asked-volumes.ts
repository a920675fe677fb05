/**
 * The volumes of new instances: what a create asks for is read and judged, and becomes a plan, for each
 * instance the same. Rows are made of it in the instances' own commit (attaching.ts), which decides: here is
 * only a guess.
 */
import type { AskedVolume } from "../../../protocol/asked-volume.ts";
import { type VolumeSource, volume } from "../../../protocol/volume.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import { gibibytes } from "../../../protocol/wire/wording.ts";
import type { Store } from "../../ports/store.ts";
import type { ImageRecord } from "../../records/catalog.ts";
import { assertHeldByNobody } from "../request/held-volume.ts";
import { findOwnRow } from "../request/rows.ts";
import { imageSource, sizeOfVolume } from "../request/volume-source.ts";
import type { PlacedVolumes } from "../scheduler/messages.ts";

type Rows = Pick<Store, "rows">;

export interface VolumeQuestion {
  readonly volumes?: readonly AskedVolume[];
  readonly count?: number;
}

/** A volume of each instance of a create, in the order of their places. */
export type PlannedVolume = Pick<AskedVolume, "bootIndex"> & {
  readonly deleteOnTermination: boolean;
} & (
    | { readonly kind: "new"; readonly sizeGib: number; readonly source: VolumeSource | null }
    | { readonly kind: "there"; readonly row: RowOf<typeof volume> }
  );

const isRoot = ({ bootIndex }: Pick<AskedVolume, "bootIndex">): boolean => bootIndex === 0;

const rootOf = (planned: readonly PlannedVolume[]): PlannedVolume | undefined => planned.find(isRoot);

/**
 * Reads nothing when nothing is asked for. The root disk comes first, so that a guest finds it as its first
 * one. @throws schemaMismatch, notFound, ambiguous, inUse, unknownImage, imageNotActive, adminOnly
 */
export async function volumesOf(
  { volumes: asked = [], count = 1 }: VolumeQuestion,
  project: string,
  store: Rows,
): Promise<readonly PlannedVolume[]> {
  for (const one of asked) assertOneKind(one, count);
  const order = asked.flatMap(({ bootIndex }) => bootIndex ?? []);
  if (new Set(order).size < order.length) throw faulty("volumes", "has a bootIndex twice");
  const planned: PlannedVolume[] = [];
  for (const one of asked) planned.push(await plannedOf(one, project, store));
  const ids = planned.flatMap((one) => (one.kind === "there" ? one.row.id : []));
  if (new Set(ids).size < ids.length) throw faulty("volumes", "names a volume twice");
  return [...planned.filter(isRoot), ...planned.filter((one) => !isRoot(one))];
}

/** @throws schemaMismatch */
function assertOneKind({ volume: key, sizeGib, image }: AskedVolume, count: number): void {
  const isNew = sizeGib !== undefined || image !== undefined;
  if ((key === undefined) !== isNew)
    throw faulty("volumes", "has an entry that is neither of a volume that is there nor of a new one alone");
  if (key !== undefined && count > 1)
    throw faulty("volumes", `names a volume, which only one of ${count} instances can have`);
}

async function plannedOf(asked: AskedVolume, project: string, store: Rows): Promise<PlannedVolume> {
  const { volume: key, bootIndex, deleteOnTermination = false } = asked;
  const about = { deleteOnTermination, ...(bootIndex === undefined ? {} : { bootIndex }) };
  if (key !== undefined) return { ...about, kind: "there", row: await freeVolume(key, project, store) };
  const source = asked.image === undefined ? null : await imageSource(asked.image, { project }, store.rows);
  return { ...about, kind: "new", sizeGib: sizeOfVolume(asked.sizeGib, source, "volumes"), source };
}

async function freeVolume(id: string, project: string, { rows }: Rows): Promise<RowOf<typeof volume>> {
  const row = await findOwnRow(volume, { id, project }, rows);
  await assertHeldByNobody(row, rows, "attached");
  return row;
}

/**
 * The key of the image that says how instances are started: the one that was named, or the one that their
 * root volume is made of, or was. @throws schemaMismatch; what reading the volume throws
 */
export async function imageKeyOf(
  { image: named, volumes = [] }: VolumeQuestion & { readonly image?: string },
  project: string,
  { rows }: Rows,
): Promise<string> {
  const root = volumes.find(isRoot);
  const key = named ?? root?.image;
  if (key !== undefined) return key;
  if (root?.volume === undefined) throw faulty("image", "is missing");
  const { name, source } = await findOwnRow(volume, { id: root.volume, project }, rows);
  if (source !== null) return source.image.id;
  throw faulty(
    "image",
    `is missing: the volume ${name} is made of none, and an image says how its guest is started`,
  );
}

/** The image as instances of this plan have it. With a root volume, without the disk. */
export const startedBy = (image: ImageRecord, planned: readonly PlannedVolume[]): ImageRecord =>
  rootOf(planned) === undefined ? image : { ...image, disk: null };

/** What an image asks of a flavor for these instances: the volume has the disk. @throws schemaMismatch */
export function askedOfFlavor(image: ImageRecord, planned: readonly PlannedVolume[]): ImageRecord {
  const root = rootOf(planned);
  if (root === undefined) return image;
  const { properties } = image;
  const hasGib = root.kind === "new" ? root.sizeGib : root.row.sizeGib;
  if (hasGib >= properties.diskGibMin)
    return { ...image, disk: null, properties: { ...properties, diskGibMin: 0 } };
  const [needs, has] = [gibibytes(properties.diskGibMin), gibibytes(hasGib)];
  throw faulty("volumes", `has a root volume of ${has}; the image ${image.name} needs ${needs}`);
}

/** What the volumes ask of a host. Undefined: there are none. */
export function placedOf(planned: readonly PlannedVolume[]): PlacedVolumes | undefined {
  if (planned.length === 0) return undefined;
  const there = planned.flatMap((one) => (one.kind === "there" ? one.row : []));
  return {
    storageIds: [...new Set(there.flatMap(({ storageId }) => storageId ?? []))],
    hostIds: [...new Set(there.flatMap(({ hostId }) => hostId ?? []))],
  };
}

/** GiB that the volumes still have to take of a storage: a volume that is somewhere has its room there. */
export const roomOf = (planned: readonly PlannedVolume[]): number =>
  planned.reduce((sum, one) => {
    if (one.kind === "new") return sum + one.sizeGib;
    const { storageId, hostId, sizeGib } = one.row;
    return storageId === null && hostId === null ? sum + sizeGib : sum;
  }, 0);
