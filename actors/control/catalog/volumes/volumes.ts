/**
 * Volumes: made, described, made larger and deleted by their projects. A volume's row says where it is, and
 * that is its claim on the room there. No file is touched here: a host makes it where it is opened first, and
 * removes it when the row of what is left of it says so.
 */
import { deletedVolume, volume, type volumeService } from "../../../../protocol/volume.ts";
import { faulty } from "../../../../protocol/wire/denials.ts";
import type { RowOf } from "../../../../protocol/wire/resource.ts";
import type { CallContext, Handlers, RequestOf } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { gibibytes } from "../../../../protocol/wire/wording.ts";
import type { StorePart } from "../../../ports/store.ts";
import type { HostRecord } from "../../../records/host.ts";
import type { RowChange } from "../../../records/rows.ts";
import type { CatalogOptions } from "../../request/commit-once.ts";
import { assertHeldByNobody, otherOfCopy } from "../../request/held-volume.ts";
import { rowChanged, rowMade } from "../../request/row-changes.ts";
import { findOwnRow, shownRow } from "../../request/rows.ts";
import { assertTakesMore, type Looking, noMoreThere } from "../../request/volume-room.ts";
import { imageSource, sizeOfVolume } from "../../request/volume-source.ts";
import { resourceHandlers } from "../resource-handlers.ts";
import { copiedFields, copyBegun, copyGivenUp } from "./copied-volumes.ts";
import { withStatuses } from "./shown-volumes.ts";

export interface VolumeOptions extends CatalogOptions {
  readonly directory?: Looking["directory"] & { all(): readonly Pick<HostRecord, "storageId" | "drivers">[] };
  readonly store: CatalogOptions["store"] & StorePart<{ hosts: "storageTotals"; instances: "list" }>;
  /** A copy is to be made: whoever has it made is to begin at once. */
  readonly hurryVolumes?: () => void;
}

type VolumeRow = RowOf<typeof volume>;
type Asked = RequestOf<(typeof volumeService)["methods"]["create"]>;

export function volumeHandlers(options: VolumeOptions): Handlers<typeof volumeService> {
  const handlers = resourceHandlers(volume, options, {
    join: (rows) => withStatuses(rows, options.store),
    assertFree: ({ name, instanceId, status, made }) => {
      if (instanceId === null || (status === "copying" && !made)) return;
      if (status === "copying")
        throw new StatusError(
          "inUse",
          `The volume ${name} is being copied to ${instanceId}: delete that first.`,
        );
      throw new StatusError("inUse", `The volume ${name} is attached to the instance ${instanceId}.`);
    },
    goesToo: async (row) => [unchanged(row), ...copyGivenUp(row)],
    goesAfter: async (row) => remainsOf(row, options.clock.nowMs()),
  });
  const { create, change, list, get, delete: remove } = handlers;
  return {
    ...{ list, get, delete: remove },
    create: async (request, context) => {
      const told = toldOf(request);
      if (request.sourceVolume === undefined)
        return create(() => fieldsOf(request, context, options), { request, context, told });
      let source: VolumeRow | undefined;
      const fields = async () => {
        source = await copiedVolume(request, context, options);
        return { ...named(request), ...copiedFields(source, request.sizeGib) };
      };
      const also = (row: VolumeRow) => (source === undefined ? [] : copyBegun(source, row));
      const made = await create(fields, { request, context, told, also });
      options.hurryVolumes?.();
      return made;
    },
    set: (request, context) =>
      change("set", { request, context }, async (before) => ({
        after: { ...before, ...request },
        body: { ...request },
      })),
    extend: (request, context) =>
      change("extend", { request, context }, async (before) => {
        if ((await otherOfCopy(before, options.store.rows)) !== undefined)
          await assertHeldByNobody(before, options.store.rows, "extended");
        const change = grown(before, request.sizeGib);
        if (request.sizeGib > before.sizeGib) assertTakesMore(options, before);
        return change;
      }),
  };
}

const named = ({ name, description = null }: Asked) => ({ name, description });

/** @throws notFound, ambiguous, inUse, schemaMismatch */
async function copiedVolume(asked: Asked, { project }: CallContext, options: VolumeOptions) {
  const { store } = options;
  const { sourceVolume: id = "", image, storage, local } = asked;
  if (image !== undefined) throw faulty("sourceVolume", "goes with no image");
  if (storage !== undefined || local !== undefined)
    throw faulty("sourceVolume", "says where the copy is: on the same storage");
  const source = await findOwnRow(volume, { id, project }, store.rows);
  await assertHeldByNobody(source, store.rows, "copied");
  assertTakesMore(options, source);
  return source;
}

const toldOf = ({ sizeGib, image: from, sourceVolume }: Asked): object => ({
  ...(sourceVolume === undefined ? {} : { sourceVolume }),
  ...(sizeGib === undefined ? {} : { sizeGib }),
  ...(from === undefined ? {} : { image: from }),
});

/** @throws unknownImage, ambiguous, imageNotActive, schemaMismatch, notFound */
async function fieldsOf(asked: Asked, context: CallContext, options: VolumeOptions): Promise<object> {
  const { store } = options;
  const { local = false, storage } = asked;
  if (local && storage !== undefined) throw faulty("storage", "is of volumes that are not local");
  const source = asked.image === undefined ? null : await imageSource(asked.image, context, store.rows);
  const sizeGib = sizeOfVolume(asked.sizeGib, source);
  const storageId = local ? null : await storageFor(storage, source !== null, options);
  const nowhere = { hostId: null, instanceId: null, epoch: 0, made: false };
  return { ...named(asked), sizeGib, source, imageId: source?.image.id ?? null, storageId, ...nowhere };
}

/**
 * The one with the most room, where none is named, of those that take more; null: hosts share none. A storage
 * for volumes alone comes from outside: it may make empty volumes only, and few hosts may see it. So one that
 * hosts share for their disks goes before it, and a volume of an image is there only by name. @throws
 * notFound, storageFull
 */
async function storageFor(
  named: string | undefined,
  ofImage: boolean,
  options: VolumeOptions,
): Promise<string | null> {
  const all = await options.store.hosts.storageTotals();
  if (named !== undefined && !all.some(({ storageId }) => storageId === named))
    throw new StatusError("notFound", `There is no storage ${named} that hosts share.`);
  const free = ({ diskGib, diskGibClaimed }: (typeof all)[number]): number => diskGib - diskGibClaimed;
  const takesMore = (place: (typeof all)[number]) =>
    noMoreThere(options.directory?.volumeStorage(place)) === undefined;
  const outside = storagesFromOutside(options.directory?.all() ?? []);
  const ofDisks = all.filter((one) => !outside.has(one.storageId));
  const fit = ofDisks.length > 0 || ofImage ? ofDisks : all;
  const sorted = [...fit].sort((one, other) => free(other) - free(one));
  const storageId = named ?? (sorted.find(takesMore) ?? sorted[0])?.storageId ?? null;
  if (storageId !== null) assertTakesMore(options, { storageId });
  return storageId;
}

/** Storages that hosts tell of, and on which no host has its disks. */
function storagesFromOutside(
  hosts: readonly Pick<HostRecord, "storageId" | "drivers">[],
): ReadonlySet<string> {
  const told = hosts.flatMap(({ drivers }) => (drivers?.volumeStorages ?? []).map(({ id }) => id));
  const ofDisks = new Set(hosts.map(({ storageId }) => storageId));
  return new Set(told.filter((id) => !ofDisks.has(id)));
}

/** @throws schemaMismatch, inUse */
function grown(before: VolumeRow, sizeGib: number) {
  if (before.instanceId !== null)
    throw new StatusError(
      "inUse",
      `The volume ${before.name} is attached to the instance ${before.instanceId}: it is extended there.`,
    );
  if (sizeGib < before.sizeGib)
    throw faulty("sizeGib", `is less than the ${gibibytes(before.sizeGib)} that the volume has`);
  const after = { ...before, sizeGib };
  const grows = sizeGib - before.sizeGib;
  return {
    commit: { rows: [{ ...rowChanged(volume, after), grows }] },
    shown: shownRow<typeof volume>({ ...after, version: before.version + 1 }),
    ...{ event: "extended", body: { sizeGib } },
  };
}

/** In the commit it is as it was read: attached to nothing, or still a copy that is to be made. */
const unchanged = ({ id, epoch, sizeGib, instanceId, made }: VolumeRow): RowChange => ({
  resource: volume,
  patched: id,
  whereHas: { instanceId, epoch, sizeGib, made },
  set: { instanceId: null },
});

/** What is left of a volume that had a writer: there may be a file. */
function remainsOf(
  { id, project, sizeGib, storageId, hostId, epoch }: Remaining,
  createdAtMs: number,
): readonly RowChange[] {
  if (epoch === 0) return [];
  const kept = { id, project, name: id, sizeGib, storageId, hostId, epoch, createdAtMs, version: 1 };
  return [rowMade(deletedVolume, kept)];
}

type Remaining = Pick<VolumeRow, "id" | "project" | "sizeGib" | "storageId" | "hostId" | "epoch">;
