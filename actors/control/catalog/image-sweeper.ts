/**
 * Removes image files that no image has, and ends work that died half-way: a registration that never wrote
 * its row, a removal between row and file. Every controller sweeps, when it starts and from time to time: the
 * files may be on its computer alone, and sweeping twice is harmless.
 */
import { filesOf, type ImageState } from "../../../protocol/image.ts";
import { storageLimits } from "../../../protocol/limits/storage.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { FileHold, ImageFiles } from "../../ports/image-files.ts";
import type { Store } from "../../ports/store.ts";
import type { ImageRecord } from "../../records/catalog.ts";
import { type PeriodicActor, periodicActor, type Round } from "../../runtime/periodic.ts";
import { allImages, namedFiles } from "./image-removal.ts";
import { catalogLimits } from "./limits.ts";

export interface ImageSweeperOptions {
  readonly store: Pick<Store, "rows">;
  readonly files: ImageFiles;
}

export function imageSweeperDefinition(options: ImageSweeperOptions): PeriodicActor<null> {
  const definition = periodicActor<null>({
    name: "image-sweeper",
    pauseMs: () => catalogLimits.imageSweepPeriodMs,
    roundMsMax: catalogLimits.imageSweepRoundMsMax,
    begin: () => null,
    round: async (_state, { clock, log }, one) => {
      await round(options, { clock, log, ...one });
      return null;
    },
  });
  definition.next(0);
  return definition;
}

interface Around extends Round {
  readonly clock: Clock;
  readonly log: Log;
}

async function round(options: ImageSweeperOptions, { clock, log, fail, did }: Around): Promise<void> {
  try {
    did(`${await sweepImageFiles(options, clock, log)} files removed`);
  } catch (thrown) {
    const { reason, message } = StatusError.from(thrown, "Looking for files that no image has");
    log.warn({ reason, message }, "the image files were not swept");
    fail();
  }
}

/** States of a row that may yet name the file that is held for it. */
const awaiting: readonly ImageState[] = ["queued", "saving", "importing"];

type HeldImage = Pick<ImageRecord, "id" | "disk" | "kernel" | "ramdisk" | "state">;

/**
 * The images that need no hold any more. A row says all that it will of a file when it names it, or waits for
 * none; without such a row a hold lasts as long as a registration may. An image's holds go together.
 */
export function releasedImages(
  holds: readonly FileHold[],
  images: readonly HeldImage[],
  nowMs: number,
): readonly string[] {
  const rows = new Map(images.map((one) => [one.id, one]));
  const isNeeded = ({ imageId, sha256, heldAtMs }: FileHold): boolean => {
    const row = rows.get(imageId);
    const isDecided = row !== undefined && (filesOf(row).includes(sha256) || !awaiting.includes(row.state));
    return !isDecided && nowMs - heldAtMs <= storageLimits.imageHoldMs;
  };
  const needed = new Set(holds.filter(isNeeded).map(({ imageId }) => imageId));
  return [...new Set(holds.map(({ imageId }) => imageId))].filter((imageId) => !needed.has(imageId));
}

/**
 * One round. It releases holds that are not needed any more; then it removes files that are neither named nor
 * held, and not young, and answers how many.
 */
export async function sweepImageFiles(
  { store, files }: ImageSweeperOptions,
  clock: Pick<Clock, "nowMs">,
  log: Log,
): Promise<number> {
  await files.removeHalfCopies();
  const { files: kept, holds } = await files.list();
  if (kept.length === 0 && holds.length === 0) return 0;
  // Read after the holds: a registration that has released its hold has a row by now.
  const images = await allImages(store);
  // A database without a single image may be the wrong one, or a lost one, and removed files cannot be
  // restored.
  if (images.length === 0) return 0;
  const nowMs = clock.nowMs();
  for (const imageId of releasedImages(holds, images, nowMs)) await files.release(imageId);
  const named = new Set(images.flatMap(filesOf));
  const isLeftOver = (sha256: string, keptAtMs: number) =>
    !named.has(sha256) && nowMs - keptAtMs > catalogLimits.imageLeftoverMs;
  const sha256s = kept.flatMap((one) =>
    one.aside || isLeftOver(one.sha256, one.keptAtMs) ? [one.sha256] : [],
  );
  if (sha256s.length === 0) return 0;
  const removed = await files.removeUnnamed([...new Set(sha256s)], namedFiles(store));
  for (const sha256 of removed) log.info({ sha256 }, "a file that no image has was removed");
  return removed.length;
}
