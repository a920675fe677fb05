/**
 * What a create writes of its volumes: their rows, what the instance keeps of them, and events. Where a new
 * one is, goes by the chosen host: where its root disks are. It reads nothing and decides nothing.
 */
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import { volume } from "../../../protocol/volume.ts";
import type { Ids } from "../../../protocol/wire/transport.ts";
import type { NewEvent } from "../../records/commit.ts";
import type { AttachedVolume } from "../../records/instance.ts";
import type { RowChange } from "../../records/rows.ts";
import { volumeRows } from "../instance/volume-rows.ts";
import { aboutRow, rowMade } from "../request/row-changes.ts";
import type { PlannedVolume } from "./asked-volumes.ts";

/** The volumes of one instance, and the rows and events of its commit for them. */
export interface Furnished {
  readonly volumes: readonly AttachedVolume[];
  readonly rows: readonly RowChange[];
  readonly events: readonly NewEvent[];
}

interface Furnishing {
  readonly planned: readonly PlannedVolume[];
  /** New volumes are called after it. */
  readonly name: string;
  readonly instanceId: string;
  readonly hostId: string;
  /** The shared storage of the host; null: disks are in its own directory. */
  readonly storageId: string | null;
  readonly project: string;
  readonly requestId: string;
  readonly nowMs: number;
}

/** The generation of an instance's first intent. */
const firstGeneration = 1;

export function furnish(given: Furnishing, ids: Ids): Furnished {
  const { planned, instanceId: id, nowMs } = given;
  const volumes = planned.map((one, place) => attached(one, place, given, ids));
  const there = volumes.filter((_, place) => planned[place]?.kind === "there");
  const made = volumes.filter((_, place) => planned[place]?.kind === "new");
  const desired = "running";
  return {
    volumes,
    rows: [
      ...volumeRows({ id, desired, volumes: null }, { id, desired, volumes: there }, nowMs),
      ...made.map((one) => rowMade(volume, rowOf(one, given))),
    ],
    events: made.map((one) => madeEvent(one, given)),
  };
}

function attached(
  one: PlannedVolume,
  place: number,
  { hostId, storageId, project }: Furnishing,
  ids: Ids,
): AttachedVolume {
  const { deleteOnTermination, bootIndex } = one;
  const about = {
    ...{ place, deleteOnTermination, ...(bootIndex === undefined ? {} : { bootIndex }) },
    // The host's word ends the change, and frees the image of a new volume.
    change: { kind: "attaching", generation: firstGeneration } as const,
  };
  if (one.kind === "new") {
    const where = { storageId, hostId: storageId === null ? hostId : null };
    const { sizeGib, source } = one;
    return { ...about, ...where, volumeId: ids.next(), project, epoch: 1, sizeGib, made: false, source };
  }
  const { id: volumeId, epoch, sizeGib, made, source, ...row } = one.row;
  const where = {
    storageId: row.storageId,
    hostId: row.storageId === null ? (row.hostId ?? hostId) : null,
  };
  return { ...about, ...where, volumeId, project: row.project, epoch: epoch + 1, sizeGib, made, source };
}

function rowOf(one: AttachedVolume, given: Furnishing) {
  const { volumeId: id, project, epoch, sizeGib, storageId, hostId, made, source } = one;
  const own = { id, project, name: nameOf(one, given), description: null, sizeGib, source, made, epoch };
  const where = { storageId, hostId, instanceId: given.instanceId };
  return { ...own, ...where, imageId: source?.image.id ?? null, createdAtMs: given.nowMs, version: 1 };
}

/** A root volume has the name of the instance; after the name of another volume stands the place. */
function nameOf({ bootIndex, place }: AttachedVolume, { name }: Furnishing): string {
  const suffix = bootIndex === 0 ? "" : `-${place}`;
  return [...name].slice(0, fieldLimits.nameLengthMax - suffix.length).join("") + suffix;
}

function madeEvent(one: AttachedVolume, given: Furnishing): NewEvent {
  const { requestId, nowMs: atMs } = given;
  const body = { sizeGib: one.sizeGib, instanceId: given.instanceId };
  return { ...aboutRow(volume, rowOf(one, given), { event: "created", body }), atMs, requestId };
}
