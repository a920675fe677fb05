/**
 * The states of an image and what leads from one to the next. Bytes of an image arrive by these steps,
 * whoever takes them: queued, saving, importing, active; whoever gives up takes it back to queued. The row
 * says which controller has the upload, and how much room the image takes. Pure but
 * for `advanceImage`, which commits one step.
 */
import { type Image, type ImageDisk, type ImageState, image } from "../../../protocol/image.ts";
import type { Refusal } from "../../../protocol/image-bytes.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import { beyondQuota, type CatalogOptions } from "../request/commit-once.ts";
import { aboutRow, rowChanged } from "../request/row-changes.ts";
import { findRow } from "../request/rows.ts";

type ImageRow = RowOf<typeof image>;

/** Steps that are taken only by the controller that has the upload, and the one that gives it up. */
export type ImageStep =
  | { readonly kind: "import" | "deactivate" | "reactivate" }
  /** `sizeBytes`: what comes at most. */
  | { readonly kind: "save"; readonly holder: string; readonly sizeBytes: number }
  /** What is kept from now on, with its files held until this is committed. */
  | { readonly kind: "activate"; readonly disk: ImageDisk; readonly checksums: ImageRow["checksums"] }
  /** What was sent stays, and goes on where it is. */
  | { readonly kind: "requeue"; readonly refusal: Refusal }
  /** The bytes that were sent are gone. */
  | { readonly kind: "forget" };

const steps: Readonly<
  Record<ImageStep["kind"], { readonly from: readonly ImageState[]; readonly to: ImageState }>
> = {
  save: { from: ["queued", "saving"], to: "saving" },
  import: { from: ["saving"], to: "importing" },
  activate: { from: ["importing"], to: "active" },
  requeue: { from: ["saving", "importing"], to: "queued" },
  forget: { from: ["queued", "saving", "importing"], to: "queued" },
  deactivate: { from: ["active", "deactivated"], to: "deactivated" },
  reactivate: { from: ["active", "deactivated"], to: "active" },
};

/** @throws imageNotActive, imageNotQueued; imageElsewhere when another controller has its upload */
export function steppedImage(before: ImageRow, step: ImageStep): ImageRow {
  const { from, to } = steps[step.kind];
  if (!from.includes(before.state)) {
    const ofBytes = step.kind !== "deactivate" && step.kind !== "reactivate";
    const message = `The image ${before.name} is ${before.state}, and not ${from.join(" or ")}.`;
    throw new StatusError(ofBytes ? "imageNotQueued" : "imageNotActive", message);
  }
  return { ...before, ...changeOf(before, step), state: to };
}

function changeOf({ holder }: ImageRow, step: ImageStep): Partial<ImageRow> {
  switch (step.kind) {
    case "save":
      if (holder !== null && holder !== step.holder) throw elsewhere(holder);
      return { holder: step.holder, sizeBytes: step.sizeBytes };
    case "import":
      return { refusal: null };
    case "activate":
      return { disk: step.disk, checksums: step.checksums, sizeBytes: step.disk.sizeBytes, refusal: null };
    case "requeue":
      return { refusal: step.refusal };
    case "forget":
      return { holder: null, sizeBytes: null };
    default:
      return {};
  }
}

const elsewhere = (holder: string): StatusError =>
  new StatusError("imageElsewhere", `The controller ${holder} has its upload.`);

const isSame = (one: ImageRow, other: ImageRow): boolean =>
  (["state", "holder", "sizeBytes", "refusal", "disk"] as const).every(
    (field) => one[field] === other[field],
  );

/** How often a step is decided anew because somebody else changed the image meanwhile. */
const attemptsMax = 5;

export interface Advancing extends Pick<CatalogOptions, "store" | "commit" | "clock"> {
  /** Who takes the step, where only the one that has the upload may. Absent: whoever has it. */
  readonly holder?: string;
}

/**
 * Takes an image one step on, in one commit with its event; nothing is committed where it changes nothing.
 * @throws imageNotFound, imageNotActive, imageNotQueued, imageElsewhere, quotaExceeded, generationConflict,
 * the store's errors
 */
export async function advanceImage(
  imageId: string,
  step: ImageStep,
  { store, commit, clock, holder }: Advancing,
): Promise<Image> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const before = await findRow(image, { id: imageId, project: adminProject }, store.rows);
    if (holder !== undefined && before.holder !== null && before.holder !== holder)
      throw elsewhere(before.holder);
    const after = steppedImage(before, step);
    if (isSame(before, after)) return before;
    const about = aboutRow(image, after, { event: "stateChanged", body: { state: after.state } });
    const events = [{ ...about, atMs: clock.nowMs() }];
    const result = await commit({ rows: [rowChanged(image, after)], events });
    if (result.kind === "committed") return after;
    if (result.kind === "quotaExceeded") throw beyondQuota(result);
  }
  throw new StatusError("generationConflict", "The image was changed by somebody else at the same time.");
}
