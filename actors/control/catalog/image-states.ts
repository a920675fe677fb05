/**
 * The states of an image and what leads from one to the next. Bytes of an image arrive by these steps,
 * whoever takes them: queued, saving, importing, active; whoever gives up takes it back to queued. Pure but
 * for `advanceImage`, which commits one step.
 */
import { type Image, type ImageDisk, type ImageState, image } from "../../../protocol/image.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { aboutRow, rowChanged } from "../request/row-changes.ts";
import { findRow } from "../request/rows.ts";

type ImageRow = RowOf<typeof image>;

export type ImageStep =
  | { readonly kind: "save" | "import" | "requeue" | "deactivate" | "reactivate" }
  /** What is kept from now on, with its files held until this is committed. */
  | { readonly kind: "activate"; readonly disk: ImageDisk; readonly checksums: ImageRow["checksums"] };

const steps: Readonly<
  Record<ImageStep["kind"], { readonly from: readonly ImageState[]; readonly to: ImageState }>
> = {
  save: { from: ["queued"], to: "saving" },
  import: { from: ["saving"], to: "importing" },
  activate: { from: ["importing"], to: "active" },
  requeue: { from: ["saving", "importing"], to: "queued" },
  deactivate: { from: ["active", "deactivated"], to: "deactivated" },
  reactivate: { from: ["active", "deactivated"], to: "active" },
};

/** @throws imageNotActive, imageNotQueued */
export function steppedImage(before: ImageRow, step: ImageStep): ImageRow {
  const { from, to } = steps[step.kind];
  if (!from.includes(before.state)) {
    const ofBytes = step.kind !== "deactivate" && step.kind !== "reactivate";
    const message = `The image ${before.name} is ${before.state}, and not ${from.join(" or ")}.`;
    throw new StatusError(ofBytes ? "imageNotQueued" : "imageNotActive", message);
  }
  const bytes = step.kind === "activate" ? { disk: step.disk, checksums: step.checksums } : {};
  return { ...before, ...bytes, state: to };
}

/** How often a step is decided anew because somebody else changed the image meanwhile. */
const attemptsMax = 5;

/**
 * Takes an image one step on, in one commit with its event. @throws imageNotFound, imageNotActive,
 * imageNotQueued, generationConflict, the store's errors
 */
export async function advanceImage(
  imageId: string,
  step: ImageStep,
  { store, commit, clock }: Pick<CatalogOptions, "store" | "commit" | "clock">,
): Promise<Image> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const before = await findRow(image, { id: imageId, project: adminProject }, store.rows);
    const after = steppedImage(before, step);
    const about = aboutRow(image, after, { event: "stateChanged", body: { state: after.state } });
    const events = [{ ...about, atMs: clock.nowMs() }];
    const { kind } = await commit({ rows: [rowChanged(image, after)], events });
    if (kind === "committed") return after;
  }
  throw new StatusError("generationConflict", "The image was changed by somebody else at the same time.");
}
