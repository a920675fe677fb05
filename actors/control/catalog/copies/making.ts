/**
 * Begins to make an image of an instance's root disk: the image's row and the operation in one commit, with
 * the room that the copy may need claimed. What the image needs at least, and its properties, are those of
 * the image that the instance was made of. An instance that its caller may not see must never be looked into.
 */
import { type Image, image } from "../../../../protocol/image.ts";
import type { instanceService } from "../../../../protocol/instance.ts";
import { rootGibOf } from "../../../../protocol/local-disks.ts";
import type { RowOf } from "../../../../protocol/wire/resource.ts";
import type { AnswerOf, CallContext, RequestOf } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import type { UploadFrom } from "../../../ports/image-uploads.ts";
import type { StorePart } from "../../../ports/store.ts";
import type { InstanceRecord } from "../../../records/instance.ts";
import { type CatalogOptions, catalogCommit, commitOnce, unlessAnswered } from "../../request/commit-once.ts";
import { operationView } from "../../request/operation-view.ts";
import { aboutRow, rowMade } from "../../request/row-changes.ts";
import { shownRow } from "../../request/rows.ts";
import { mayRead } from "../../request/tenancy.ts";
import { catalogLimits } from "../limits.ts";
import type { UploadDesk } from "../uploads/desk.ts";
import { copyDeadlineMs, imageOperation } from "./operation.ts";

type Method = (typeof instanceService)["methods"]["createImage"];
type Asked = RequestOf<Method>;
export type ImageMade = AnswerOf<Method>;

export interface Making extends CatalogOptions {
  readonly store: CatalogOptions["store"] & StorePart<{ instances: "get" }>;
  /** Takes the bytes of uploads. Absent: the controller has no door for images. */
  readonly desk?: Pick<UploadDesk, "server" | "upload" | "abandon"> | undefined;
  /** Looks at the new operation at once. */
  readonly hurry: () => void;
}

const gib = 1024 ** 3;

/** @throws instanceNotFound, notCopyable, noImageBytes, quotaExceeded, requestIdReused */
export async function beginImage(asked: Asked, context: CallContext, making: Making): Promise<ImageMade> {
  const cause = { request: asked, context, options: making };
  return unlessAnswered("instance.createImage", cause, async () => {
    const { store, desk } = making;
    const row = await store.instances.get(context.id);
    if (row === undefined || !mayRead(context, row.instance.project))
      throw new StatusError("instanceNotFound", `There is no instance ${context.id}.`);
    if (desk === undefined)
      throw new StatusError("noImageBytes", "This controller takes and gives no images.");
    const from = fromOf(row.instance);
    const answer = await committed(asked, context, { ...making, desk, instance: row.instance });
    const { id, sizeBytes } = answer.image;
    const untilMs = copyDeadlineMs(sizeBytes ?? 0, making.clock.nowMs());
    await desk.upload(id, sizeBytes ?? 0, { ...from, untilMs }).catch((thrown: unknown) => {
      // The image is queued with the reason, and by that its operation ends.
      const { reason, message } = StatusError.from(thrown, "Beginning an image of an instance");
      return desk.abandon(id, { reason, message });
    });
    making.hurry();
    return answer;
  });
}

interface Committing extends Making {
  readonly desk: NonNullable<Making["desk"]>;
  readonly instance: InstanceRecord;
}

async function committed(asked: Asked, context: CallContext, making: Committing): Promise<ImageMade> {
  const { instance, desk, clock, ids } = making;
  const nowMs = clock.nowMs();
  const sizeBytes = copyBytesMax(diskBytes(instance));
  const made = { ...imageOf(asked.name, instance), id: ids.next(), sizeBytes, holder: desk.server };
  const row = { ...made, createdAtMs: nowMs, version: 1 };
  const { project, requestId } = { project: instance.project, requestId: context.requestId };
  const beginning = { imageId: row.id, project, requestId, sizeBytes, nowMs };
  const operation = imageOperation({ id: ids.next(), ...beginning });
  const shown: Image = { ...shownRow<typeof image>(row), members: [] };
  const answer = {
    ...{ image: shown, operation: operationView(operation) },
    volumesLeftOut: (instance.volumes ?? []).map(({ volumeId }) => volumeId),
  };
  const about = aboutRow(image, row, { event: "created", body: { instanceId: instance.id } });
  const commit = catalogCommit("instance.createImage", about, {
    ...{ request: asked, context },
    options: making,
  });
  return commitOnce({ rows: [rowMade(image, row)], operations: [operation], ...commit }, answer, {
    ...{ commit: making.commit, resource: image },
  });
}

/** The one guest and host that it may come from. @throws notCopyable */
export function fromOf(instance: InstanceRecord): Omit<UploadFrom, "untilMs"> {
  const { id, hostId, ownerEpoch, desired, built, volumes } = instance;
  if (desired === "deleted") throw notCopyable(id, "is being deleted");
  if (hostId === null || !built) throw notCopyable(id, "has not run yet, or is on no host");
  if (diskBytes(instance) === 0) throw notCopyable(id, "has no root disk");
  if (volumes?.some(({ bootIndex }) => bootIndex === 0))
    throw notCopyable(id, "has its root disk on a volume");
  return { instanceId: id, hostId, ownerEpoch };
}

const notCopyable = (id: string, why: string): StatusError =>
  new StatusError("notCopyable", `No image can be made of the instance ${id}: it ${why}.`);

/** 0: it has none. */
const diskBytes = ({ flavor, image: of }: Pick<InstanceRecord, "flavor" | "image">): number =>
  rootGibOf(flavor) > 0 ? rootGibOf(flavor) * gib : (of.disk?.virtualSizeBytes ?? 0);

export const copyBytesMax = (bytes: number): number =>
  bytes +
  Math.max(catalogLimits.copyOverheadBytesMin, Math.ceil(bytes / catalogLimits.diskBytesPerOverheadByteMin));

function imageOf(name: string, instance: InstanceRecord): Omit<RowOf<typeof image>, Given> {
  const { kernel, ramdisk, commandLine, properties } = instance.image;
  const diskGibMin = Math.max(properties.diskGibMin, Math.ceil(diskBytes(instance) / gib));
  return {
    ...{ name, project: instance.project, disk: null, kernel, ramdisk, commandLine },
    properties: { ...properties, diskGibMin },
    ...{ visibility: "private", state: "saving", protected: false, checksums: null, refusal: null },
  };
}

type Given = "id" | "sizeBytes" | "holder" | "createdAtMs" | "version";
