/**
 * Removes image files that no image has, and ends work that died half-way: a registration that never wrote
 * its row, a removal between row and file. Every controller sweeps, when it starts and from time to time: the
 * files may be on its computer alone, and sweeping twice is harmless.
 */
import { filesOf } from "../../../protocol/image.ts";
import { storageLimits } from "../../../protocol/limits/storage.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { ImageFiles } from "../../ports/image-files.ts";
import type { Store } from "../../ports/store.ts";
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

/**
 * One round. It releases a hold when its image's row exists, or when no registration can be as old; then it
 * removes files that are neither named nor held, and not young, and answers how many.
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
  const written = new Set(images.map(({ id }) => id));
  const named = new Set(images.flatMap(filesOf));
  const nowMs = clock.nowMs();
  for (const { imageId, heldAtMs } of holds)
    if (written.has(imageId) || nowMs - heldAtMs > storageLimits.imageHoldMs) await files.release(imageId);
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
